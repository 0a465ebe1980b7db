// This file looks past what code does only when it is configured to: where a test leaves a field
// zero, what stands behind it does not run.
//
//	f.cached = cached
//	if f.cacheDir != "" { // the test's literal has no cacheDir
//		os.RemoveAll(…)
//	}
//
// A field is one for all objects of its type: it counts as set as soon as anything reached sets it in
// any of them, takes its address, or makes its struct's address an empty interface (a decoder
// may fill it). Where that is not enough to make a test harmless, nothing is gained, and nothing lost.

package racetest

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/types/typeutil"
)

// A door is code that runs only where a field is set.
type door struct {
	body ast.Node
	p    *detect.Package
	in   string
}

// behind looks at the body of a mention, unless the field that it needs is shut.
func (r *reach) behind(m mention, p *detect.Package, in string) {
	if !r.shut[m.needs] || r.isSet[m.needs] {
		r.walk(m.body, p, in)
	}
	r.doors[m.needs] = append(r.doors[m.needs], door{m.body, p, in})
}

// set notes that a field is set somewhere, which opens the doors behind it.
func (r *reach) set(field *types.Var) {
	if r.isSet[field] {
		return
	}
	r.isSet[field] = true
	if r.shut[field] {
		for _, d := range r.doors[field] {
			r.walk(d.body, d.p, d.in)
		}
	}
}

// fill notes that all fields of n may be set, and those of what it consists of.
func (r *reach) fill(n *types.Named) {
	n = n.Origin()
	if r.filled[n] {
		return
	}
	r.filled[n] = true
	var visit func(t types.Type, depth int)
	visit = func(t types.Type, depth int) {
		if depth > 8 {
			return
		}
		switch u := types.Unalias(t).(type) {
		case *types.Named:
			if u.Origin() != n && r.x.byTypes[u.Obj().Pkg()] != nil {
				r.fill(u)
			} else if u.Origin() != n {
				visit(u.Underlying(), depth+1)
			}
		case *types.Pointer:
			visit(u.Elem(), depth+1)
		case *types.Slice:
			visit(u.Elem(), depth+1)
		case *types.Array:
			visit(u.Elem(), depth+1)
		case *types.Map:
			visit(u.Elem(), depth+1)
		case *types.Struct:
			for v := range u.Fields() {
				r.set(v.Origin())
				visit(v.Type(), depth+1)
			}
		}
	}
	visit(n.Underlying(), 0)
}

// shutting returns the fields that a test has to leave zero so that calling the functions
// touches nothing it must not, nil when that does not help.
func (x *index) shutting(roots ...*fn) map[*types.Var]bool {
	open := x.reach(roots...)
	if open.unsafe == "" || open.blind {
		return nil
	}
	all := map[*types.Var]bool{}
	for v := range open.doors {
		if !x.setEarly()[v] {
			all[v] = true
		}
	}
	closed := x.reachShut(all, roots...)
	if closed.unsafe != "" || closed.blind {
		return nil
	}
	// Those behind which nothing is wrong may be set: a test that leaves all zero comes nowhere.
	wrong := map[*types.Var]bool{}
	for v, doors := range closed.doors {
		r := x.newReach()
		r.shut = all
		for _, d := range doors {
			r.walk(d.body, d.p, d.in)
		}
		r.run()
		if r.unsafe != "" && all[v] && !closed.isSet[v] {
			wrong[v] = true
		}
	}
	for range 3 {
		r := x.reachShut(wrong, roots...)
		if r.unsafe == "" && !r.blind {
			return wrong
		}
		for v := range r.doors { // behind what is open now
			if all[v] && !r.isSet[v] && !wrong[v] {
				if q := x.reachShut(without(all, v), roots...); q.unsafe != "" {
					wrong[v] = true
				}
			}
		}
	}
	return all
}

func without(set map[*types.Var]bool, v *types.Var) map[*types.Var]bool {
	out := map[*types.Var]bool{}
	for k := range set {
		if k != v {
			out[k] = true
		}
	}
	return out
}

// setEarly returns the fields that are set by the time a test runs: by init functions.
func (x *index) setEarly() map[*types.Var]bool {
	if x.early == nil {
		var inits []*fn
		for _, f := range x.funcs {
			if f.decl.Recv == nil && f.decl.Name.Name == "init" {
				inits = append(inits, f)
			}
		}
		slices.SortFunc(inits, func(a, b *fn) int { return int(a.decl.Pos()) - int(b.decl.Pos()) })
		x.early = x.reachShut(nil, inits...).isSet
	}
	return x.early
}

// guarded notes what stands behind a field, of an if statement or after one that leaves where
// the field is zero, and visits the rest of n. It reports whether it has visited n.
func (x *index) guarded(n ast.Node, p *detect.Package, note func(any, mention), visit func(ast.Node) bool) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		f := x.condition(n.Cond, p, token.LAND, true)
		if f == nil {
			return false
		}
		if n.Init != nil {
			ast.Inspect(n.Init, visit)
		}
		ast.Inspect(n.Cond, visit)
		note(n, mention{needs: f, body: n.Body})
		if n.Else != nil {
			ast.Inspect(n.Else, visit)
		}
		return true
	case *ast.BlockStmt:
		for i, s := range n.List {
			ast.Inspect(s, visit)
			early, ok := s.(*ast.IfStmt)
			if !ok || early.Else != nil || !ends(early.Body) || i+1 == len(n.List) {
				continue
			}
			if f := x.condition(early.Cond, p, token.LOR, false); f != nil {
				note(early.Body, mention{needs: f, body: &ast.BlockStmt{List: n.List[i+1:]}})
				break
			}
		}
		return true
	}
	return false
}

// ends reports whether control does not leave a block at its end.
func ends(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch s := b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok != token.FALLTHROUGH && s.Tok != token.GOTO
	}
	return false
}

// condition returns the field that must be set for a condition to be true (or, if want is false,
// for it to be false), nil if there is none or it is not that simple. join is the operator of which
// either side may ask for it.
func (x *index) condition(e ast.Expr, p *detect.Package, join token.Token, want bool) *types.Var {
	switch e := ast.Unparen(e).(type) {
	case *ast.BinaryExpr:
		if e.Op == join {
			if f := x.condition(e.X, p, join, want); f != nil {
				return f
			}
			return x.condition(e.Y, p, join, want)
		}
		op := token.NEQ
		if !want {
			op = token.EQL
		}
		if isZero(e.Y, p) && (e.Op == op || want && e.Op == token.GTR) {
			return x.plainField(e.X, p)
		}
	case *ast.UnaryExpr:
		if e.Op == token.NOT && !want {
			return x.plainField(e.X, p)
		}
	case *ast.SelectorExpr:
		if want {
			return x.plainField(e, p)
		}
	}
	return nil
}

// plainField returns the field of a first-party struct that an expression, or what it takes the
// length of, selects.
func (x *index) plainField(e ast.Expr, p *detect.Package) *types.Var {
	e = ast.Unparen(e)
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 {
		if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "len" && p.Info.Uses[id] == types.Universe.Lookup("len") {
			e = ast.Unparen(call.Args[0])
		}
	}
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	v, ok := p.Info.Uses[sel.Sel].(*types.Var)
	if !ok || !v.IsField() || x.byTypes[v.Pkg()] == nil {
		return nil
	}
	switch v.Type().Underlying().(type) {
	case *types.Struct, *types.Array:
		return nil
	}
	return v.Origin()
}

// isZero reports whether an expression is written as the zero value of a field: nil, "", 0, false.
func isZero(e ast.Expr, p *detect.Package) bool {
	tv := p.Info.Types[e]
	if tv.IsNil() {
		return true
	}
	if tv.Value == nil {
		return false
	}
	switch tv.Value.Kind() {
	case constant.Bool:
		return !constant.BoolVal(tv.Value)
	case constant.String:
		return constant.StringVal(tv.Value) == ""
	case constant.Int, constant.Float:
		return constant.Sign(tv.Value) == 0
	}
	return false
}

// A setting is what one mention of it is enough for.
type setting struct {
	of   any
	what string
}

// settings notes the fields that a node itself sets or lets others set.
func (x *index) settings(n ast.Node, p *detect.Package, note func(any, mention)) {
	sets := func(e ast.Expr) {
		if v := x.plainField(e, p); v != nil {
			note(setting{v, "sets"}, mention{sets: v})
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, l := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) {
				if n.Tok == token.ASSIGN && isZero(n.Rhs[i], p) {
					continue
				}
				x.boxes(n.Rhs[i], p.Info.TypeOf(l), p, note)
			}
			sets(l)
		}
	case *ast.IncDecStmt:
		sets(n.X)
	case *ast.RangeStmt:
		for _, e := range []ast.Expr{n.Key, n.Value} {
			if e != nil {
				sets(e)
			}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			sets(n.X)
		}
	case *ast.SelectorExpr: // x.f.M() takes the address of x.f
		if sel := p.Info.Selections[n]; sel != nil && sel.Kind() == types.MethodVal {
			if recv := sel.Obj().(*types.Func).Signature().Recv(); recv != nil && isPointer(recv.Type()) && !isPointer(p.Info.TypeOf(n.X)) {
				sets(n.X)
			}
		}
	case *ast.CompositeLit:
		x.literalSets(n, p, note)
	case *ast.CallExpr:
		sig, ok := typeOf(p, n.Fun).(*types.Signature)
		if !ok {
			if tv := p.Info.Types[n.Fun]; tv.IsType() && len(n.Args) == 1 {
				x.boxes(n.Args[0], tv.Type, p, note)
			}
			return
		}
		callee, _ := typeutil.Callee(p.Info, n).(*types.Func)
		for i, a := range n.Args {
			if iface, ok := paramType(sig, i).(*types.Interface); ok && !iface.Empty() && (callee == nil || x.fn(callee) == nil) {
				x.lends(a, p, note)
				continue
			}
			x.boxes(a, paramType(sig, i), p, note)
		}
	case *ast.SendStmt:
		if c, ok := typeOf(p, n.Chan).(*types.Chan); ok {
			x.boxes(n.Value, c.Elem(), p, note)
		}
	case *ast.ValueSpec:
		for _, v := range n.Values {
			if n.Type != nil {
				x.boxes(v, p.Info.TypeOf(n.Type), p, note)
			}
		}
	case *ast.FuncDecl:
		x.returns(p.Info.Defs[n.Name].Type().(*types.Signature).Results(), n.Body, p, note)
	case *ast.FuncLit:
		if sig, ok := typeOf(p, n).(*types.Signature); ok {
			x.returns(sig.Results(), n.Body, p, note)
		}
	}
}

// returns notes what the return statements of a body put into empty interfaces.
func (x *index) returns(results *types.Tuple, body *ast.BlockStmt, p *detect.Package, note func(any, mention)) {
	empty := false
	for v := range results.Variables() {
		iface, ok := v.Type().Underlying().(*types.Interface)
		empty = empty || ok && iface.Empty()
	}
	if body == nil || !empty {
		return
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			for i, e := range n.Results {
				if len(n.Results) == results.Len() {
					x.boxes(e, results.At(i).Type(), p, note)
				}
			}
		}
		return true
	})
}

// boxes notes that the struct that e points to may be filled, where e becomes an empty interface:
//
//	var v any = &config
//	json.Unmarshal(data, v)
func (x *index) boxes(e ast.Expr, to types.Type, p *detect.Package, note func(any, mention)) {
	if to == nil {
		return
	}
	if _, ok := types.Unalias(to).(*types.TypeParam); ok {
		return
	}
	if iface, ok := to.Underlying().(*types.Interface); ok && iface.Empty() {
		x.lends(e, p, note)
	}
}

// lends notes that the struct that e points to is in the hands of who may fill it.
func (x *index) lends(e ast.Expr, p *detect.Package, note func(any, mention)) {
	ptr, ok := typeOf(p, e).(*types.Pointer)
	if !ok {
		return
	}
	switch t := types.Unalias(ptr.Elem()).(type) {
	case *types.Named:
		if t.Obj().Pkg() != nil && x.byTypes[t.Obj().Pkg()] != nil {
			note(setting{t.Origin(), "fills"}, mention{fills: t})
		}
	case *types.TypeParam:
		note(setting{nil, "blind"}, mention{blind: true})
	}
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

func typeOf(p *detect.Package, e ast.Expr) types.Type {
	if t := p.Info.TypeOf(e); t != nil {
		return t.Underlying()
	}
	return nil
}

// paramType returns the underlying type of the parameter that argument i goes to, nil for a type
// parameter or none.
func paramType(sig *types.Signature, i int) types.Type {
	n := sig.Params().Len()
	var t types.Type
	switch {
	case sig.Variadic() && i >= n-1:
		s, ok := sig.Params().At(n - 1).Type().(*types.Slice)
		if !ok {
			return nil
		}
		t = s.Elem()
	case i < n:
		t = sig.Params().At(i).Type()
	default:
		return nil
	}
	if _, ok := t.(*types.TypeParam); ok {
		return nil
	}
	return t.Underlying()
}

// literalSets notes the fields that a literal gives another value than zero.
func (x *index) literalSets(n *ast.CompositeLit, p *detect.Package, note func(any, mention)) {
	st, ok := typeOf(p, n).(*types.Struct)
	if !ok {
		x.boxesElements(n, p, note)
		return
	}
	for i, e := range n.Elts {
		v, value := (*types.Var)(nil), e
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				v, _ = p.Info.Uses[id].(*types.Var)
			}
			value = kv.Value
		} else if i < st.NumFields() {
			v = st.Field(i)
		}
		if v != nil && !isZero(value, p) {
			note(setting{v.Origin(), "sets"}, mention{sets: v.Origin()})
			x.boxes(value, v.Type(), p, note)
		}
	}
}

// boxesElements notes what a literal of a map, a slice or an array puts into empty interfaces.
func (x *index) boxesElements(n *ast.CompositeLit, p *detect.Package, note func(any, mention)) {
	c, ok := typeOf(p, n).(interface{ Elem() types.Type })
	if !ok {
		return
	}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		x.boxes(e, c.Elem(), p, note)
	}
}
