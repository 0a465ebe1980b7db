// This file says what may panic while a lock is held that no defer lets go of. Where somebody
// recovers, as net/http does, the lock would be held for ever.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A risk looks for what may panic in statements that let go of the lock without a defer.
//
// What came out of the map may be nil, and so may all that comes of it: variables, results of
// calls that get it, elements, and pointers in fields. Variables and parameters that have nothing
// of that are taken to be what they have to be: a program that has nil there is one that does
// not work without the lock either.
type risk struct {
	t     *taking
	fi    *fileInfo
	list  []ast.Stmt
	depth int                   // of calls that are still followed
	ours  bool                  // only what came out of this map counts
	all   bool                  // whatever may be nil counts, see isRescued
	nils  map[types.Object]bool // the variables that may be nil, or hold what is
}

// panics returns what may panic in statements. The variables nils may be nil.
func (t *taking) panics(fi *fileInfo, list []ast.Stmt, depth int, nils ...types.Object) (bad ast.Node) {
	r := t.risk(fi, list, depth, nils, false)
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			if _, lit := n.(*ast.FuncLit); lit || n == nil || bad != nil || t.left[n] {
				return false // made here, not run
			}
			if r.at(n) {
				bad = n
			}
			return bad == nil
		})
	}
	return bad
}

// risk returns the risk of statements, with all variables that are given what may be nil: in the
// statements, or, if it came out of the map, elsewhere in the function.
func (t *taking) risk(fi *fileInfo, list []ast.Stmt, depth int, nils []types.Object, ours bool) *risk {
	r := &risk{t: t, fi: fi, list: list, depth: depth, ours: ours, nils: map[types.Object]bool{}}
	for _, v := range nils {
		r.nils[v] = true
	}
	if decl := fi.topLevel(realNode(list)); decl != nil && decl.Body != nil && !ours {
		r.all = t.isRescued(decl)
		for _, v := range resultsAround(fi, realNode(list)) { // they begin as nil
			r.nils[v] = true
		}
		maps.Copy(r.nils, t.fromMap(fi, decl))
		maps.Copy(r.nils, r.unchecked(decl))
	}
	for before := -1; before < len(r.nils); {
		before = len(r.nils)
		for _, s := range list {
			ast.Inspect(s, func(n ast.Node) bool {
				r.given(n)
				return true
			})
		}
	}
	return r
}

// resultsAround returns the named results of the function around a node, as far as they may be nil.
func resultsAround(fi *fileInfo, n ast.Node) (vars []types.Object) {
	for _, id := range namedResults(fi, n) {
		if v := fi.pkg.Info.Defs[id]; v != nil && nilable(v.Type()) {
			vars = append(vars, v)
		}
	}
	return vars
}

// namedResults returns the names that the function around a node has for its results.
func namedResults(fi *fileInfo, n ast.Node) (names []*ast.Ident) {
	var fn *ast.FuncType
	switch f := fi.enclosing(n).(type) {
	case *ast.FuncDecl:
		fn = f.Type
	case *ast.FuncLit:
		fn = f.Type
	}
	if fn != nil && fn.Results != nil {
		for _, field := range fn.Results.List {
			names = append(names, field.Names...)
		}
	}
	return names
}

// isRescued reports whether a function, or one that leads to it, wants the lock when something has
// panicked, so that even what no working program has there, a parameter that is nil, would make it wait
// for ever:
//
//	defer func() { if recover() != nil { m["bad"]++ } }()
//	m[p.name]++
func (t *taking) isRescued(decl *ast.FuncDecl) bool {
	if t.rescued == nil {
		t.rescued = map[*ast.FuncDecl]bool{}
		for _, fi := range t.ix.list {
			for _, d := range fi.syntax.Decls {
				from, ok := d.(*ast.FuncDecl)
				if !ok || from.Body == nil || t.rescued[from] || !t.rescues(fi, from) {
					continue
				}
				t.rescued[from] = true
				t.walk(fi, from, func(_ *fileInfo, n ast.Node) bool {
					if to, ok := n.(*ast.FuncDecl); ok {
						t.rescued[to] = true
					}
					return false
				})
			}
		}
	}
	return t.rescued[decl]
}

// rescues reports whether a function defers what recovers and wants the lock.
func (t *taking) rescues(fi *fileInfo, decl *ast.FuncDecl) (found bool) {
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		d, ok := n.(*ast.DeferStmt)
		if !ok || found {
			return !found
		}
		if lit, ok := ast.Unparen(d.Call.Fun).(*ast.FuncLit); ok {
			found = fi.recovers(lit.Body).IsValid() && t.wants(fi, lit)
		} else if f, home := t.ix.funcDecl(fi.callee(d.Call)); f != nil && f.Body != nil {
			found = home.recovers(f.Body).IsValid() && t.wants(home, f)
		}
		return true
	})
	return found
}

// wants reports whether a function takes the lock, or will, in itself or in what it names.
func (t *taking) wants(fi *fileInfo, fn ast.Node) bool {
	if lit, ok := fn.(*ast.FuncLit); ok && t.touches(lit) {
		return true
	}
	return t.walk(fi, fn, func(fi *fileInfo, n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return t.locking[n]
		case *ast.CallExpr:
			return t.own == nil && t.calls(fi, n, "Lock", "RLock")
		}
		return false
	})
}

// fromMap returns the variables of a function that are given what came out of the map, as far as the
// function itself, those that it calls, and those that call it show.
func (t *taking) fromMap(fi *fileInfo, decl *ast.FuncDecl) map[types.Object]bool {
	if t.given[decl] == nil {
		t.given[decl] = map[types.Object]bool{} // for who calls itself
		t.given[decl] = t.risk(fi, decl.Body.List, 1, t.fromCallers(fi, decl), true).nils
	}
	return t.given[decl]
}

// fromCallers returns the parameters of a function for which some caller gives what came out of the
// map: mark(look(k)), where look returns m[k].
func (t *taking) fromCallers(fi *fileInfo, decl *ast.FuncDecl) (nils []types.Object) {
	for _, id := range t.ix.usesOf(fi.pkg.Info.Defs[decl.Name]) {
		home := t.ix.fileAt(id.Pos())
		if home == nil || strings.HasSuffix(home.abs, "_test.go") {
			continue
		}
		x, parent := home.outer(home.spelled(id))
		call, ok := parent.(*ast.CallExpr)
		caller := home.topLevel(id)
		if !ok || call.Fun != x || caller == nil || caller == decl || caller.Body == nil {
			continue
		}
		in := &risk{t: t, fi: home, list: caller.Body.List, depth: 1, ours: true, nils: t.fromMap(home, caller)}
		nils = append(nils, in.passed(call, decl, fi)...)
	}
	return nils
}

// realNode returns a node of statements that is one of the source.
func realNode(list []ast.Stmt) ast.Node {
	if len(list) == 0 {
		return nil
	}
	if s, ok := list[0].(*ast.ExprStmt); ok {
		return s.X
	}
	return list[0]
}

// given notes the variables that a node gives what may be nil.
func (r *risk) given(n ast.Node) {
	give := func(lhs, value ast.Expr) {
		if lhs == nil || value != nil && !r.doubtful(value) {
			return
		}
		if v := r.holder(lhs); v != nil && nilable(v.Type()) {
			r.nils[v] = true
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) {
				give(lhs, n.Rhs[i])
			} else {
				give(lhs, n.Rhs[0])
			}
		}
	case *ast.ValueSpec:
		for i, id := range n.Names {
			switch {
			case len(n.Values) == 0: // its zero value
				if !r.ours {
					give(id, nil)
				}
			case len(n.Values) == len(n.Names):
				give(id, n.Values[i])
			default:
				give(id, n.Values[0])
			}
		}
	case *ast.RangeStmt:
		if r.isSource(n.X) {
			give(n.Key, nil)
			give(n.Value, nil)
		} else {
			give(n.Value, n.X)
		}
	case *ast.CaseClause:
		if v := r.fi.pkg.Info.Implicits[n]; v != nil && !r.ours { // of a type switch
			r.nils[v] = true
		}
	case *ast.CallExpr:
		if !r.ours && r.fi.builtin(n) == "clear" && !r.fi.isMap(n.Args[0]) { // its elements
			give(n.Args[0], nil)
		}
	}
}

// holder returns the variable that an assignment to x changes: x itself, or what it is a part of.
func (r *risk) holder(x ast.Expr) types.Object {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		if v, ok := r.fi.object(x).(*types.Var); ok {
			return v
		}
	case *ast.SelectorExpr:
		if !isPointer(r.fi.pkg.Info.TypeOf(x.X)) {
			return r.holder(x.X)
		}
	case *ast.IndexExpr:
		if !isPointer(r.fi.pkg.Info.TypeOf(x.X)) && !r.fi.isMap(x.X) {
			return r.holder(x.X)
		}
	}
	return nil
}

// doubtful reports whether x may be nil, or hold what is.
func (r *risk) doubtful(x ast.Expr) bool {
	x = ast.Unparen(x)
	if t := r.fi.pkg.Info.TypeOf(x); !isTuple(t) && !nilable(t) {
		return false
	}
	switch x := x.(type) {
	case *ast.Ident:
		obj := r.fi.object(x)
		return r.fi.isNil(x) && !r.ours || r.nils[obj] || r.isUnset(x) || r.all && isVariable(obj) && obj != r.t.owner
	case *ast.SelectorExpr:
		v, ok := r.fi.object(x.Sel).(*types.Var)
		if !ok || r.fi.isPackage(x.X) {
			return !ok && !r.ours || r.nils[v]
		}
		return r.isUnset(x) || !r.ours && isPointer(v.Type()) && !alwaysSet[fieldKey(r.fi, x)] && !r.t.onWay(v) || r.doubtful(x.X)
	case *ast.IndexExpr:
		return r.isSource(x.X) || r.doubtful(x.X)
	case *ast.SliceExpr:
		return r.doubtful(x.X)
	case *ast.StarExpr:
		return !r.ours || r.doubtful(x.X)
	case *ast.TypeAssertExpr:
		return !r.ours || r.doubtful(x.X)
	case *ast.UnaryExpr:
		return !r.ours && x.Op != token.AND
	case *ast.CompositeLit:
		_, array := r.fi.pkg.Info.TypeOf(x).Underlying().(*types.Array)
		_, slice := core(r.fi.pkg.Info.TypeOf(x)).(*types.Slice)
		sparse := slice && slices.ContainsFunc(x.Elts, func(e ast.Expr) bool { _, ok := e.(*ast.KeyValueExpr); return ok })
		return (array || sparse) && !r.ours || slices.ContainsFunc(x.Elts, func(e ast.Expr) bool {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			return r.doubtful(e)
		})
	case *ast.CallExpr:
		return r.gives(x)
	}
	return !r.ours
}

// isUnset reports whether x is the map itself, which may be nil.
func (r *risk) isUnset(x ast.Expr) bool {
	return !r.ours && r.t.isVar(r.fi, x, r.t.ix.at(r.t.m.Pos)) && r.t.mapMayBeNil()
}

func isVariable(obj types.Object) bool {
	_, ok := obj.(*types.Var)
	return ok
}

// isSource reports whether what comes out of a map may be nil, because the key is not there, or
// that is stored.
func (r *risk) isSource(m ast.Expr) bool {
	return r.fi.isMap(m) && (!r.ours || r.t.isVar(r.fi, m, r.t.ix.at(r.t.m.Pos)))
}

// gives reports whether the result of a call may be nil.
func (r *risk) gives(call *ast.CallExpr) bool {
	switch r.fi.builtin(call) {
	case "":
	case "new", "make": // elements may be nil: make([]*T, n), new([2]*T)
		t := core(r.fi.pkg.Info.TypeOf(call))
		if p, ok := t.(*types.Pointer); ok {
			t = core(p.Elem())
		}
		switch t := t.(type) {
		case *types.Slice:
			size := r.fi.pkg.Info.Types[call.Args[1]].Value
			return !r.ours && nilable(t.Elem()) && (size == nil || size.ExactString() != "0")
		case *types.Array:
			return !r.ours && nilable(t.Elem())
		}
		return false
	default:
		return slices.ContainsFunc(call.Args, r.doubtful)
	}
	if r.fi.isConversion(call) {
		return r.doubtful(call.Args[0])
	}
	decl, home := r.t.ix.funcDecl(r.fi.callee(call))
	if decl == nil || decl.Body == nil || r.depth == 0 {
		return !r.ours || slices.ContainsFunc(call.Args, r.doubtful)
	}
	in := r.t.risk(home, decl.Body.List, min(r.depth-1, 1), r.passed(call, decl, home), r.ours)
	found := false
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			found = found || len(ret.Results) != 1 && !r.ours || slices.ContainsFunc(ret.Results, in.doubtful)
		}
		_, lit := n.(*ast.FuncLit)
		return !lit && !found
	})
	return found
}

// passed returns the parameters, and the receiver, of a function that may be nil in a call.
func (r *risk) passed(call *ast.CallExpr, decl *ast.FuncDecl, home *fileInfo) (nils []types.Object) {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && decl.Recv != nil && r.doubtful(sel.X) {
		for _, id := range decl.Recv.List[0].Names {
			nils = append(nils, home.pkg.Info.Defs[id])
		}
	}
	var params []*ast.Ident
	for _, f := range decl.Type.Params.List {
		params = append(params, f.Names...)
		if len(f.Names) == 0 {
			params = append(params, nil)
		}
	}
	for i, id := range params {
		if id == nil {
			continue
		}
		args := call.Args[min(i, len(call.Args)):]
		if i < len(params)-1 && len(args) > 0 && len(call.Args) > 1 {
			args = args[:1]
		}
		if len(call.Args) == 1 {
			args = call.Args // f(g()) gives all of them
		}
		if slices.ContainsFunc(args, r.doubtful) {
			nils = append(nils, home.pkg.Info.Defs[id])
		}
	}
	return nils
}

// nilable reports whether a value of type t may be nil, or hold what is.
func nilable(t types.Type) bool {
	if t == nil {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() == types.UnsafePointer || u.Kind() == types.UntypedNil
	case *types.Array:
		return nilable(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if nilable(f.Type()) {
				return true
			}
		}
		return false
	}
	return true
}

// at reports whether a node may panic, but for what is in it.
func (r *risk) at(n ast.Node) bool {
	fi := r.fi
	switch n := n.(type) {
	case *ast.AssignStmt:
		update := n.Tok != token.ASSIGN && n.Tok != token.DEFINE
		return slices.ContainsFunc(n.Lhs, func(x ast.Expr) bool { return r.writesNil(x, n) }) || update && failing(fi, updateOp(n.Tok), n.Lhs[0], n.Rhs[0])
	case *ast.IncDecStmt:
		return r.writesNil(n.X, n)
	case *ast.CompositeLit:
		m, ok := fi.pkg.Info.TypeOf(n).Underlying().(*types.Map)
		return ok && !hashable(m.Key())
	case *ast.BinaryExpr:
		return failing(fi, n.Op, n.X, n.Y)
	case *ast.SwitchStmt:
		for _, clause := range n.Body.List {
			if n.Tag != nil && slices.ContainsFunc(clause.(*ast.CaseClause).List, func(e ast.Expr) bool { return failing(fi, token.EQL, n.Tag, e) }) {
				return true
			}
		}
	case *ast.CallExpr:
		return r.call(n)
	case *ast.IndexExpr:
		return indexPanics(fi, n) || isPointer(fi.pkg.Info.TypeOf(n.X)) && r.doubtful(n.X)
	case *ast.SliceExpr:
		return n.Low != nil || n.High != nil || isPointer(fi.pkg.Info.TypeOf(n.X)) && r.doubtful(n.X)
	case *ast.RangeStmt: // over what an array's pointer points to; for m[k] = range …
		return n.Key != nil && r.writesNil(n.Key, n) || n.Value != nil && r.writesNil(n.Value, n) || isPointer(fi.pkg.Info.TypeOf(n.X)) && r.doubtful(n.X)
	case *ast.TypeAssertExpr:
		a, ok := fi.parent(n).(*ast.AssignStmt)
		return n.Type != nil && (!ok || len(a.Lhs) != 2 || len(a.Rhs) != 1)
	case *ast.SelectorExpr:
		return r.selects(n)
	case *ast.StarExpr:
		return fi.pkg.Info.Types[n].IsValue()
	}
	return false
}

// makesMap reports whether x is a map that is not nil.
func makesMap(fi *fileInfo, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		return fi.builtin(x) == "make"
	}
	return false
}

// call reports whether a call may panic, but for what its arguments do.
func (r *risk) call(call *ast.CallExpr) bool {
	fi := r.fi
	if b := fi.builtin(call); b != "" {
		return builtinPanics(fi, call, b)
	}
	if fi.isConversion(call) { // of a slice to an array that is longer
		_, slice := core(fi.pkg.Info.TypeOf(call.Args[0])).(*types.Slice)
		to := core(fi.pkg.Info.TypeOf(call))
		if p, ok := to.(*types.Pointer); ok {
			to = core(p.Elem())
		}
		_, array := to.(*types.Array)
		return slice && (array || to == nil)
	}
	fn := fi.callee(call)
	if decl, home := r.t.ix.funcDecl(fn); decl != nil {
		return r.depth == 0 || decl.Body == nil || r.t.panics(home, decl.Body.List, r.depth-1, r.passed(call, decl, home)...) != nil
	}
	if fn == nil || !panicsNever(fi, fn, call) {
		return true
	}
	for i, a := range call.Args {
		if isPointer(fi.pkg.Info.TypeOf(a)) && r.doubtful(a) || r.runsArgument(fn, i, a) {
			return true
		}
	}
	return false
}

// runsArgument reports whether code may panic that a function gets as an argument: a literal, or
// the methods of a value.
func (r *risk) runsArgument(fn *types.Func, i int, a ast.Expr) bool {
	if lit, ok := ast.Unparen(a).(*ast.FuncLit); ok {
		nils := slices.Collect(maps.Keys(r.nils))
		for _, f := range lit.Type.Params.List {
			for _, id := range f.Names {
				nils = append(nils, r.fi.pkg.Info.Defs[id]) // parts of what is in the map, perhaps
			}
		}
		return r.t.panics(r.fi, lit.Body.List, r.depth, nils...) != nil
	}
	for _, m := range askedOf(r.fi, fn, i, a) {
		decl, home := r.t.ix.funcDecl(m)
		if decl != nil && (r.depth == 0 || r.t.panics(home, decl.Body.List, r.depth-1) != nil) {
			return true
		}
	}
	return false
}

// askedOf returns the methods that a function may call of its argument number i, because its
// parameter is an interface that has them.
func askedOf(fi *fileInfo, fn *types.Func, i int, a ast.Expr) (methods []*types.Func) {
	params := fn.Signature().Params()
	if i >= params.Len() {
		return nil
	}
	asked, ok := params.At(i).Type().Underlying().(*types.Interface)
	if _, generic := params.At(i).Type().(*types.TypeParam); generic || !ok {
		return nil
	}
	for m := range asked.Methods() {
		obj, _, _ := types.LookupFieldOrMethod(fi.pkg.Info.TypeOf(a), true, m.Pkg(), m.Name())
		if f, ok := obj.(*types.Func); ok {
			methods = append(methods, f)
		}
	}
	return methods
}

// selects reports whether x.f may go through a pointer that is nil, or is a method that is not
// called yet.
func (r *risk) selects(n *ast.SelectorExpr) bool {
	s := r.fi.pkg.Info.Selections[n]
	if s == nil {
		return false
	}
	if s.Kind() == types.MethodExpr { // whose receiver is an argument
		return true
	}
	if outer, parent := r.fi.outer(n); s.Kind() == types.MethodVal {
		if call, ok := parent.(*ast.CallExpr); !ok || call.Fun != outer {
			return true
		}
	}
	if isPointer(r.fi.pkg.Info.TypeOf(n.X)) && r.doubtful(n.X) && !r.takesPointer(s) {
		return true
	}
	holder, _ := cutLast(r.t.m.GuardKey)
	return slices.ContainsFunc(embeddedOn(s), func(f *types.Var) bool { // n.f, where f is promoted
		return isPointer(f.Type()) && !r.t.onWay(f) && keyOf(f.Type()) != holder
	})
}

// takesPointer reports whether what is selected is a method of the module that gets the pointer
// as it is: what it does with nil is looked at where it is called.
func (r *risk) takesPointer(s *types.Selection) bool {
	fn, ok := s.Obj().(*types.Func)
	if !ok || len(s.Index()) > 1 || !isPointer(fn.Signature().Recv().Type()) {
		return false
	}
	decl, _ := r.t.ix.funcDecl(fn)
	return decl != nil
}

// alwaysSet are the fields of libraries that a program which gets such a struct need not look for nil.
var alwaysSet = map[string]bool{"net/http.Request.URL": true, "net/http.Response.Request": true}

// fieldKey names the field that a selector selects: its type's, and its own.
func fieldKey(fi *fileInfo, x *ast.SelectorExpr) string {
	return keyOf(fi.pkg.Info.TypeOf(x.X)) + "." + x.Sel.Name
}

// unchecked returns the variables of a function that get a pointer from a call which returns it with an
// answer that nothing looks at, or from a function of the module that returns nil as such: a server
// recovers from what that leads to, and the next request waits for the lock.
//
//	c, _ := r.Cookie("session")
//	s.m[c.Value]++
func (r *risk) unchecked(decl *ast.FuncDecl) map[types.Object]bool {
	if out, ok := r.t.doubted[decl]; ok {
		return out
	}
	out := map[types.Object]bool{}
	if r.t.doubted == nil {
		r.t.doubted = map[*ast.FuncDecl]map[types.Object]bool{}
	}
	r.t.doubted[decl] = out
	asked := map[types.Object]bool{} // in the condition of some statement
	ask := func(n ast.Node) {
		if n != nil {
			ast.Inspect(n, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					asked[r.fi.object(id)] = true
				}
				return true
			})
		}
	}
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			ask(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag != nil {
				ask(n.Tag)
			}
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					ask(e)
				}
			}
		case *ast.ForStmt:
			if n.Cond != nil {
				ask(n.Cond)
			}
		case *ast.ReturnStmt, *ast.CallExpr: // who gets the error may look at it
			if call, ok := n.(*ast.CallExpr); ok {
				for _, a := range call.Args {
					ask(a)
				}
			} else {
				ask(n)
			}
		}
		return true
	})
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Rhs) != 1 {
			return true
		}
		call, ok := ast.Unparen(a.Rhs[0]).(*ast.CallExpr)
		if !ok || r.fi.isConversion(call) || r.fi.builtin(call) != "" {
			return true
		}
		looked := false
		for _, lhs := range a.Lhs {
			id, ok := lhs.(*ast.Ident)
			looked = looked || ok && id.Name != "_" && asked[r.fi.object(id)] && !isPointer(r.fi.pkg.Info.TypeOf(id))
		}
		for _, lhs := range a.Lhs {
			id, ok := lhs.(*ast.Ident)
			if !ok || id.Name == "_" || looked || !isPointer(r.fi.pkg.Info.TypeOf(id)) || r.isAsked(decl, id) {
				continue
			}
			if len(a.Lhs) > 1 || r.returnsNil(call) {
				out[r.fi.object(id)] = true
			}
		}
		return true
	})
	return out
}

// isAsked reports whether a function compares a variable with nil.
func (r *risk) isAsked(decl *ast.FuncDecl, id *ast.Ident) (found bool) {
	obj := r.fi.object(id)
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if b, ok := n.(*ast.BinaryExpr); ok && (r.fi.isNil(b.X) || r.fi.isNil(b.Y)) {
			for _, e := range []ast.Expr{b.X, b.Y} {
				x, ok := ast.Unparen(e).(*ast.Ident)
				found = found || ok && r.fi.object(x) == obj
			}
		}
		return !found
	})
	return found
}

// returnsNil reports whether a call is of a function of the module with one result, which it returns
// as nil somewhere.
func (r *risk) returnsNil(call *ast.CallExpr) (found bool) {
	decl, home := r.t.ix.funcDecl(r.fi.callee(call))
	if decl == nil || decl.Body == nil {
		return false
	}
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			found = found || len(ret.Results) == 1 && home.isNil(ret.Results[0])
		}
		_, lit := n.(*ast.FuncLit)
		return !lit && !found
	})
	return found
}
