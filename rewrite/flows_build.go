// This file builds the graph of flows: one walk over the syntax of the module.

package rewrite

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/types/typeutil"
)

// A flowBuilder walks one package at a time.
type flowBuilder struct {
	*flowGraph
	pkg     *detect.Package
	info    *types.Info
	callees map[ast.Expr]bool // expressions in call position: not function values
	logger  *types.Var        // the operands of the function being walked, if its name says that it logs
}

func buildFlows(prog *detect.Program) *flowGraph {
	b := &flowBuilder{flowGraph: newFlowGraph()}
	for _, p := range prog.Packages {
		b.inSource[p.Path] = true
		if p.Types != nil {
			b.inSource[p.Types.Path()] = true
		}
	}
	pkgs := withoutSubsets(prog.Packages)
	for _, p := range pkgs {
		b.declare(p)
	}
	for _, p := range pkgs {
		b.pkg, b.info = p, p.Info
		b.instances()
	}
	// Have: all bindings, so that carrier knows which type parameters are interfaces.
	for _, p := range pkgs {
		b.pkg, b.info = p, p.Info
		b.callees = map[ast.Expr]bool{}
		for _, f := range p.Files {
			b.walk(f, nil)
		}
	}
	b.link()
	return b.flowGraph
}

// withoutSubsets drops packages all of whose files are in another variant of the
// same path: p beside p [p.test].
func withoutSubsets(all []*detect.Package) []*detect.Package {
	covered := map[string]map[*ast.File]bool{}
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b *detect.Package) int { return len(b.Files) - len(a.Files) })
	keep := map[*detect.Package]bool{}
	for _, p := range order {
		if p.Info == nil {
			continue
		}
		have := covered[p.Path]
		if have == nil {
			have = map[*ast.File]bool{}
			covered[p.Path] = have
		}
		for _, f := range p.Files {
			if !have[f] {
				keep[p] = true
				have[f] = true
			}
		}
	}
	var out []*detect.Package
	for _, p := range all {
		if keep[p] {
			out = append(out, p)
		}
	}
	return out
}

// declare collects methods and fields, and binds the receivers' type parameters to
// those of their types.
func (b *flowBuilder) declare(p *detect.Package) {
	for _, f := range p.Files {
		var holders []string
		ast.PreorderStack(f, nil, func(n ast.Node, stack []ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				fn, _ := p.Info.Defs[n.Name].(*types.Func)
				if fn == nil || fn.Signature().Recv() == nil {
					return true
				}
				if !slices.ContainsFunc(b.methods[fn.Name()], func(m *types.Func) bool { return m.Pos() == fn.Pos() }) {
					b.methods[fn.Name()] = append(b.methods[fn.Name()], fn)
				}
				recv := types.Unalias(fn.Signature().Recv().Type())
				if ptr, ok := recv.(*types.Pointer); ok {
					recv = types.Unalias(ptr.Elem())
				}
				if named, ok := recv.(*types.Named); ok {
					params, recvParams := named.Origin().TypeParams(), fn.Signature().RecvTypeParams()
					for i := range min(params.Len(), recvParams.Len()) {
						b.bind(recvParams.At(i), params.At(i))
					}
				}
			case *ast.StructType:
				holders = holders[:0]
				for _, s := range stack {
					if spec, ok := s.(*ast.TypeSpec); ok {
						holders = append(holders, spec.Name.Name)
					}
				}
				holder := "struct"
				if len(holders) > 0 {
					holder = holders[len(holders)-1]
				}
				for _, field := range n.Fields.List {
					tag := ""
					if field.Tag != nil {
						tag, _ = strconv.Unquote(field.Tag.Value)
					}
					names := field.Names
					if len(names) == 0 {
						if id := embeddedName(field.Type); id != nil {
							names = []*ast.Ident{id}
						}
					}
					for _, id := range names {
						b.fields[id.Pos()] = &flowField{id.Name, holder, tag, id.IsExported(), id.Pos()}
					}
				}
			}
			return true
		})
	}
}

func embeddedName(e ast.Expr) *ast.Ident {
	for {
		switch t := e.(type) {
		case *ast.Ident:
			return t
		case *ast.SelectorExpr:
			return t.Sel
		case *ast.StarExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.IndexListExpr:
			e = t.X
		case *ast.ParenExpr:
			e = t.X
		default:
			return nil
		}
	}
}

// instances records what type parameters stand for. A type argument of code outside
// the module is observed by it as its package is known to.
func (b *flowBuilder) instances() {
	ids := make([]*ast.Ident, 0, len(b.info.Instances))
	for id := range b.info.Instances {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y *ast.Ident) int { return int(x.Pos() - y.Pos()) })
	for _, id := range ids {
		inst := b.info.Instances[id]
		var params *types.TypeParamList
		var eff effect
		obj := b.info.Uses[id]
		if obj == nil {
			obj = b.info.Defs[id]
		}
		switch obj := obj.(type) {
		case *types.Func:
			params = obj.Signature().TypeParams()
			if !b.local(obj.Pkg()) {
				eff, _ = effectOf(obj)
			}
		case *types.TypeName:
			switch t := obj.Type().(type) {
			case *types.Named:
				params = t.Origin().TypeParams()
			case *types.Alias:
				params = t.Origin().TypeParams()
			}
			if !b.local(obj.Pkg()) && obj.Pkg() != nil {
				eff, _ = effectOfPackage(obj.Pkg().Path(), obj.Name())
			}
		}
		if obj == nil || params == nil {
			continue
		}
		for i := range min(params.Len(), inst.TypeArgs.Len()) {
			arg := inst.TypeArgs.At(i)
			if b.local(obj.Pkg()) {
				b.bind(params.At(i), arg)
				continue
			}
			for _, v := range eff.views {
				b.event(b.sink(v, qualified(obj), "a type argument of", id.Pos()), arg, id.Pos(), 0)
			}
		}
	}
}

// qualified names a function or type as a reader would: json.Marshal, (*json.Encoder).Encode.
func qualified(obj types.Object) string {
	if fn, ok := obj.(*types.Func); ok {
		if recv := fn.Signature().Recv(); recv != nil {
			t := types.TypeString(recv.Type(), shortName)
			if i := strings.IndexByte(t, '['); i > 0 {
				t = t[:i]
			}
			if strings.HasPrefix(t, "*") {
				t = "(" + t + ")"
			}
			return t + "." + fn.Name()
		}
	}
	if obj.Pkg() == nil {
		return obj.Name()
	}
	return obj.Pkg().Name() + "." + obj.Name()
}

func shortName(p *types.Package) string { return p.Name() }

// walk visits everything under n. sig is the function whose body it is in.
func (b *flowBuilder) walk(n ast.Node, sig *types.Signature) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				if fn, ok := b.info.Defs[n.Name].(*types.Func); ok {
					b.declared(fn)
					b.logger = nil
					if s := fn.Signature(); s.Variadic() && logName.MatchString(n.Name.Name) {
						b.logger = s.Params().At(s.Params().Len() - 1)
					}
					b.walk(n.Body, fn.Signature())
					b.logger = nil
				}
			}
			return false
		case *ast.FuncLit:
			if t, ok := b.info.TypeOf(n).(*types.Signature); ok {
				b.funcValue(t, nil, n.Pos())
				b.walk(n.Body, t)
			}
			return false
		case *ast.CallExpr:
			b.call(n)
		case *ast.AssignStmt:
			if n.Tok == token.ASSIGN || n.Tok == token.DEFINE {
				b.assignAll(n.Lhs, n.Rhs)
			}
		case *ast.ValueSpec:
			if len(n.Values) > 0 {
				lhs := make([]ast.Expr, len(n.Names))
				for i, id := range n.Names {
					lhs[i] = id
				}
				b.assignAll(lhs, n.Values)
			}
		case *ast.ReturnStmt:
			b.returns(n, sig)
		case *ast.CompositeLit:
			b.composite(n)
		case *ast.SendStmt:
			if ch, ok := core(b.info.TypeOf(n.Chan)).(*types.Chan); ok {
				b.assignTo(b.nodesOf(n.Chan), ch.Elem(), n.Value)
			}
		case *ast.RangeStmt:
			b.ranges(n)
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				b.compare(n.X, n.Y, n.OpPos)
			}
		case *ast.IndexExpr:
			if m, ok := core(b.info.TypeOf(n.X)).(*types.Map); ok {
				b.mapKey(m, n.Index)
				if b.carrier(m.Key()) {
					b.assignTo(b.nodesOf(n.X), m.Key(), n.Index)
				}
			}
		case *ast.SwitchStmt:
			if n.Tag != nil {
				for _, s := range n.Body.List {
					for _, e := range s.(*ast.CaseClause).List {
						b.compare(n.Tag, e, e.Pos())
					}
				}
			}
		case *ast.TypeSwitchStmt:
			b.typeSwitch(n)
		case *ast.TypeAssertExpr:
			if n.Type != nil {
				b.asserted(n.X, b.info.TypeOf(n.Type), n.Lparen)
			}
		case *ast.SelectorExpr:
			if !b.callees[n] {
				b.funcUse(n, n.Sel)
			}
			b.callees[n.Sel] = true // already looked at
		case *ast.Ident:
			if !b.callees[n] {
				b.funcUse(n, n)
			}
		}
		return true
	})
}

// logName matches the functions of a module's own logger. What they print of their
// operands is log output.
var logName = regexp.MustCompile(`^(?i:debug|info|notice|warn|warning|error|fatal|trace|verbose|log)(f|ln)?$`)

// core is the underlying type; for a type parameter, the one its constraint allows.
func core(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	if tp, ok := types.Unalias(t).(*types.TypeParam); ok {
		if c, ok := tp.Constraint().Underlying().(*types.Interface); ok {
			for e := range c.EmbeddedTypes() {
				if u, ok := types.Unalias(e).(*types.Union); ok && u.Len() > 0 {
					return u.Term(0).Type().Underlying()
				}
				if _, ok := e.Underlying().(*types.Interface); !ok {
					return e.Underlying()
				}
			}
		}
	}
	return t.Underlying()
}

// declared treats methods that libraries call by name.
func (b *flowBuilder) declared(fn *types.Func) {
	sig := fn.Signature()
	if sig.Recv() == nil {
		return
	}
	byName := func(name string, views ...view) {
		for v := range sig.Results().Variables() {
			if b.carrier(v.Type()) && fn.Name() == name {
				for _, w := range views {
					b.edge(b.varNode(v), b.sink(w, qualified(fn), "returned by", fn.Pos()), fn.Pos(), 0)
				}
			}
		}
	}
	byName("MarshalYAML", encodes(yamlEncode)...)
	byName("MarshalTOML", encodes(tomlEncode)...)
	byName("MarshalBSON", encodes(bsonAny)...)
	byName("LogValue", seeLog, seeLogJSON)
	byName("MarshalLog", seeLog, seeLogJSON)
	// A function that a library passes in: UnmarshalYAML(unmarshal func(any) error).
	for v := range sig.Params().Variables() {
		if f, ok := v.Type().Underlying().(*types.Signature); ok && fn.Name() == "UnmarshalYAML" && emptyParam(f) {
			b.foreign(f, decodes(yamlDecode), "yaml.Unmarshal", fn.Pos())
		}
	}
}

func emptyParam(sig *types.Signature) bool {
	for v := range sig.Params().Variables() {
		if holdsEmpty(v.Type()) {
			return true
		}
	}
	return false
}

func emptyResult(sig *types.Signature) bool {
	for v := range sig.Results().Variables() {
		if holdsEmpty(v.Type()) {
			return true
		}
	}
	return false
}

// foreign records that function values of this signature may be code that is not
// in the module.
func (b *flowBuilder) foreign(sig *types.Signature, views []view, name string, pos token.Pos) {
	shape := b.shape(sig)
	for i := range sig.Params().Len() {
		if b.carrier(sig.Params().At(i).Type()) && holdsEmpty(sig.Params().At(i).Type()) {
			for _, v := range views {
				b.edge(b.shapeNode(shape, "param", i), b.sink(v, name, "passed to", pos), token.NoPos, 0)
			}
		}
	}
}

// shape returns the class of function values with sig's parameters and results.
func (b *flowBuilder) shape(sig *types.Signature) *funcShape {
	key, loose := sigKey(sig)
	s := b.funcSigs[key]
	if s == nil {
		s = &funcShape{sig: sig, key: key, loose: loose}
		b.funcSigs[key] = s
	}
	return s
}

func (b *flowBuilder) shapeNode(s *funcShape, part string, i int) nodeID {
	return b.typedNode("func "+part+" "+strconv.Itoa(i)+" "+s.key, partOf(s.sig, part, i))
}

func partOf(sig *types.Signature, part string, i int) types.Type {
	tuple := sig.Params()
	if part == "result" {
		tuple = sig.Results()
	}
	return tuple.At(i).Type()
}

// funcValue records a function that is used as a value.
func (b *flowBuilder) funcValue(sig *types.Signature, ext *types.Func, pos token.Pos) {
	s := b.shape(sig)
	for _, v := range s.values {
		if v.pos == pos {
			return
		}
	}
	s.values = append(s.values, funcValue{sig, ext, pos})
}

// funcUse records the function that e (its last identifier id) names, if any.
func (b *flowBuilder) funcUse(e ast.Expr, id *ast.Ident) {
	fn, ok := b.info.Uses[id].(*types.Func)
	if !ok {
		return
	}
	sig, ok := b.info.TypeOf(e).(*types.Signature) // instantiated; a method expression's has the receiver first
	if !ok {
		return
	}
	if fn.Signature().Recv() != nil && isInterface(fn.Signature().Recv().Type()) {
		// A method value of an interface: as if called.
		m := b.ifaceMethod(fn.Name(), fn.Signature())
		s := b.shape(sig)
		off := sig.Params().Len() - m.sig.Params().Len()
		for i := range m.sig.Params().Len() {
			b.edge(b.shapeNode(s, "param", i+off), b.methodNode(m, "param", i), token.NoPos, 0)
		}
		for i := range m.sig.Results().Len() {
			b.edge(b.methodNode(m, "result", i), b.shapeNode(s, "result", i), token.NoPos, 0)
		}
		s.called = true
		if b.local(fn.Pkg()) {
			return
		}
	}
	if b.local(fn.Pkg()) {
		b.funcValue(sig, nil, fn.Pos())
	} else {
		b.funcValue(sig, fn, fn.Pos()+token.Pos(len(fn.FullName()))) // positions of export data may coincide
	}
}

func (b *flowBuilder) ifaceMethod(name string, sig *types.Signature) *ifaceMethod {
	key, _ := sigKey(sig)
	key = name + key
	m := b.ifaceCalls[key]
	if m == nil {
		m = &ifaceMethod{name, sig, key}
		b.ifaceCalls[key] = m
	}
	return m
}

func (b *flowBuilder) methodNode(m *ifaceMethod, part string, i int) nodeID {
	return b.typedNode("method "+part+" "+strconv.Itoa(i)+" "+m.key, partOf(m.sig, part, i))
}

// assignAll treats lhs = rhs, including the forms with one multi-valued operand.
func (b *flowBuilder) assignAll(lhs, rhs []ast.Expr) {
	if len(lhs) == len(rhs) {
		for i := range lhs {
			b.assignExpr(lhs[i], rhs[i])
		}
		return
	}
	if len(rhs) != 1 {
		return
	}
	tuple, _ := b.info.TypeOf(rhs[0]).(*types.Tuple)
	for i, l := range lhs {
		if isBlank(l) {
			continue
		}
		var st types.Type
		if tuple != nil && i < tuple.Len() {
			st = tuple.At(i).Type()
		} else if i == 0 {
			st = b.info.TypeOf(rhs[0])
		}
		if st == nil {
			continue
		}
		for _, d := range b.lhsNodes(l) {
			b.flow(d, b.lhsType(l, st), st, b.resultNodes(rhs[0], i), rhs[0].Pos(), 0)
		}
	}
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

func (b *flowBuilder) lhsType(l ast.Expr, st types.Type) types.Type {
	if t := b.info.TypeOf(l); t != nil {
		return t
	}
	if id, ok := l.(*ast.Ident); ok {
		if o := b.info.ObjectOf(id); o != nil {
			return o.Type()
		}
	}
	return st
}

func (b *flowBuilder) assignExpr(l, r ast.Expr) {
	if isBlank(l) {
		return
	}
	b.externalField(l, r)
	b.assignTo(b.lhsNodes(l), b.lhsType(l, b.info.TypeOf(r)), r)
}

// lhsNodes is nodesOf for an assigned expression: a store through a non-carrier
// still needs its conversions looked at (struct pairs).
func (b *flowBuilder) lhsNodes(l ast.Expr) []nodeID {
	if ids := b.nodesOf(l); len(ids) > 0 {
		return ids
	}
	return []nodeID{b.textNode("nowhere")}
}

// externalField treats a store to a field (or variable) declared outside the module.
func (b *flowBuilder) externalField(l, r ast.Expr) {
	l = ast.Unparen(l)
	sel, ok := l.(*ast.SelectorExpr)
	if !ok {
		return
	}
	v, ok := b.info.Uses[sel.Sel].(*types.Var)
	if !ok || b.local(v.Pkg()) {
		return
	}
	name := qualified(v)
	if s := b.info.Selections[sel]; s != nil {
		if b.carrier(s.Recv()) {
			for _, d := range b.nodesOf(sel.X) {
				b.results(r, d)
			}
			return
		}
		name = types.TypeString(deref(s.Recv()), shortName) + "." + v.Name()
	}
	b.storedOutside(v, name, r)
}

// storedOutside treats a value that code outside the module can read later.
func (b *flowBuilder) storedOutside(v *types.Var, name string, r ast.Expr) {
	pkg := ""
	if v.Pkg() != nil {
		pkg = v.Pkg().Path()
	}
	eff, _ := effectOfPackage(pkg, v.Name())
	for _, w := range eff.views {
		if holdsEmpty(v.Type()) {
			b.assign(b.sink(w, name, "stored in", r.Pos()), v.Type(), r, 0)
		}
		if sig, ok := v.Type().Underlying().(*types.Signature); ok && emptyResult(sig) {
			b.results(r, b.sink(w, name, "returned to", r.Pos()))
		}
	}
	if isInterface(v.Type()) {
		b.assign(b.textNode("outside"), v.Type(), r, 0) // for what the interface's methods return
	}
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// embeddedOn returns the embedded fields on the way to what a selection selects, outermost first.
func embeddedOn(s *types.Selection) (way []*types.Var) {
	t := s.Recv()
	for _, i := range s.Index()[:len(s.Index())-1] {
		f := deref(t).Underlying().(*types.Struct).Field(i)
		way, t = append(way, f), f.Type()
	}
	return way
}

// results makes what the function value r returns flow to dst.
func (b *flowBuilder) results(r ast.Expr, dst nodeID) {
	sig, ok := core(b.info.TypeOf(r)).(*types.Signature)
	if !ok {
		return
	}
	if fn := b.funcNamed(r); fn != nil {
		sig = fn
	} else if _, lit := ast.Unparen(r).(*ast.FuncLit); !lit {
		s := b.shape(sig)
		s.called = true
		for i := range sig.Results().Len() {
			b.edge(b.shapeNode(s, "result", i), dst, token.NoPos, 0)
		}
		return
	}
	for v := range sig.Results().Variables() {
		if b.carrier(v.Type()) {
			b.edge(b.varNode(v), dst, r.Pos(), 0)
		} else {
			// A type argument's function: T func() any is observed as its result.
			b.event(dst, v.Type(), r.Pos(), 0)
		}
	}
}

// funcNamed returns the declared signature of the in-source function that r names.
func (b *flowBuilder) funcNamed(r ast.Expr) *types.Signature {
	switch r := ast.Unparen(r).(type) {
	case *ast.FuncLit:
		s, _ := b.info.TypeOf(r).(*types.Signature)
		return s
	case *ast.Ident:
		if fn, ok := b.info.Uses[r].(*types.Func); ok && b.local(fn.Pkg()) {
			return fn.Signature()
		}
	case *ast.SelectorExpr:
		if fn, ok := b.info.Uses[r.Sel].(*types.Func); ok && b.local(fn.Pkg()) {
			if recv := fn.Signature().Recv(); recv == nil || !isInterface(recv.Type()) {
				return fn.Signature()
			}
		}
	}
	return nil
}

func (b *flowBuilder) assignTo(dst []nodeID, dt types.Type, e ast.Expr) {
	for _, d := range dst {
		b.assign(d, dt, e, 0)
	}
}

// assign makes expression e flow to a place of type dt.
func (b *flowBuilder) assign(dst nodeID, dt types.Type, e ast.Expr, verb byte) {
	st := b.info.TypeOf(e)
	if st == nil || dt == nil {
		return
	}
	if basic, ok := st.(*types.Basic); ok && basic.Kind() == types.UntypedNil {
		return
	}
	var src []nodeID
	if b.carrier(st) {
		src = b.nodesOf(e)
	}
	b.flow(dst, dt, st, src, e.Pos(), verb)
}

func (b *flowBuilder) flow(dst nodeID, dt, st types.Type, src []nodeID, pos token.Pos, verb byte) {
	b.pair(st, dt, pos)
	if isInterface(dt) {
		if !isInterface(st) {
			b.event(dst, st, pos, verb)
		}
		b.converted(st, dt, pos)
	} else if !b.carrier(dt) {
		return
	}
	both := shares(st) && b.carrier(st)
	for _, s := range src {
		b.edge(s, dst, pos, verb)
		if both && verb == 0 {
			b.edge(dst, s, token.NoPos, 0)
		}
	}
}

// converted looks at the methods that become callable when st is converted to the
// interface dt: those declared outside the module (an embedded logger, say), and
// those whose results code outside the module can get at.
func (b *flowBuilder) converted(st, dt types.Type, pos token.Pos) {
	if b.seenConv[[2]types.Type{st, dt}] {
		return
	}
	b.seenConv[[2]types.Type{st, dt}] = true
	iface, ok := dt.Underlying().(*types.Interface)
	if !ok || iface.NumMethods() == 0 {
		return
	}
	outside := false
	if named, ok := types.Unalias(dt).(*types.Named); ok {
		outside = !b.local(named.Obj().Pkg())
	}
	for m := range iface.Methods() {
		if emptyParam(m.Signature()) {
			obj, _, _ := types.LookupFieldOrMethod(st, true, m.Pkg(), m.Name())
			if fn, ok := obj.(*types.Func); ok && !b.local(fn.Pkg()) {
				if b.extMethods[fn.Name()] == nil {
					b.extMethods[fn.Name()] = map[*types.Func]bool{}
				}
				b.extMethods[fn.Name()][fn] = true
			}
		}
		if outside && !b.local(m.Pkg()) {
			for v := range m.Signature().Params().Variables() {
				if f, ok := v.Type().Underlying().(*types.Signature); ok && emptyParam(f) {
					b.foreign(f, []view{seeUnknown}, qualified(m)+"'s caller", pos)
				}
			}
		}
		if outside && emptyResult(m.Signature()) && !b.local(m.Pkg()) && m.Pkg() != nil {
			eff, _ := effectOf(m)
			im := b.ifaceMethod(m.Name(), m.Signature())
			for i := range m.Signature().Results().Len() {
				if !holdsEmpty(m.Signature().Results().At(i).Type()) {
					continue
				}
				if m.Pkg().Path() == "container/heap" {
					b.edge(b.methodNode(im, "result", i), b.textNode("heap"), token.NoPos, 0)
				}
				for _, v := range eff.views {
					b.edge(b.methodNode(im, "result", i), b.sink(v, qualified(m), "returned by", pos), token.NoPos, 0)
				}
			}
		}
	}
}

// returns makes a return statement's operands flow to the results.
func (b *flowBuilder) returns(n *ast.ReturnStmt, sig *types.Signature) {
	if sig == nil || len(n.Results) == 0 {
		return
	}
	res := sig.Results()
	if len(n.Results) == res.Len() {
		for i, e := range n.Results {
			b.assign(b.varNode(res.At(i)), res.At(i).Type(), e, 0)
		}
		return
	}
	if tuple, ok := b.info.TypeOf(n.Results[0]).(*types.Tuple); ok && tuple.Len() == res.Len() {
		for i := range res.Len() {
			b.flow(b.varNode(res.At(i)), res.At(i).Type(), tuple.At(i).Type(), b.resultNodes(n.Results[0], i), n.Results[0].Pos(), 0)
		}
	}
}

func (b *flowBuilder) composite(n *ast.CompositeLit) {
	t := b.info.TypeOf(n)
	if t == nil {
		return
	}
	tmp := b.node(nodeKey{pos: n.Lbrace, idx: 1})
	u := core(t)
	if p, ok := u.(*types.Pointer); ok { // elided &T in a slice or map
		t = p.Elem()
		u = core(t)
	}
	switch u := u.(type) {
	case *types.Struct:
		for i, e := range n.Elts {
			var v *types.Var
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if id, ok := kv.Key.(*ast.Ident); ok {
					v, _ = b.info.Uses[id].(*types.Var)
				}
				e = kv.Value
			} else if i < u.NumFields() {
				v = u.Field(i)
			}
			switch {
			case v == nil:
			case b.carrier(t) && !b.local(v.Pkg()):
				b.results(e, tmp)
				b.assign(tmp, v.Type(), e, 0)
			case b.local(v.Pkg()):
				b.assign(b.varNode(v), fieldType(u, v), e, 0)
			default:
				b.storedOutside(v, types.TypeString(t, shortName)+"."+v.Name(), e)
			}
		}
	case *types.Map:
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				b.mapKey(u, kv.Key)
				b.assign(tmp, u.Key(), kv.Key, 0)
				b.assign(tmp, u.Elem(), kv.Value, 0)
			}
		}
	case *types.Slice:
		b.elements(n, tmp, u.Elem())
	case *types.Array:
		b.elements(n, tmp, u.Elem())
	}
}

func (b *flowBuilder) elements(n *ast.CompositeLit, tmp nodeID, elem types.Type) {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		b.assign(tmp, elem, e, 0)
	}
}

// fieldType is the type of field v in struct u, type arguments filled in.
func fieldType(u *types.Struct, v *types.Var) types.Type {
	for f := range u.Fields() {
		if f.Pos() == v.Pos() && f.Name() == v.Name() {
			return f.Type()
		}
	}
	return v.Type()
}

func (b *flowBuilder) ranges(n *ast.RangeStmt) {
	t := b.info.TypeOf(n.X)
	src := b.nodesOf(n.X)
	to := func(e ast.Expr, st types.Type) {
		if e == nil || isBlank(e) || st == nil {
			return
		}
		for _, d := range b.lhsNodes(e) {
			b.flow(d, b.lhsType(e, st), st, src, n.X.Pos(), 0)
		}
	}
	switch u := core(t).(type) {
	case *types.Map:
		to(n.Key, u.Key())
		to(n.Value, u.Elem())
	case *types.Slice:
		to(n.Value, u.Elem())
	case *types.Array:
		to(n.Value, u.Elem())
	case *types.Pointer:
		if a, ok := u.Elem().Underlying().(*types.Array); ok {
			to(n.Value, a.Elem())
		}
	case *types.Chan:
		to(n.Key, u.Elem())
	case *types.Signature:
		// The body is a function value that the iterator calls.
		if u.Params().Len() != 1 {
			return
		}
		yield, ok := u.Params().At(0).Type().Underlying().(*types.Signature)
		if !ok {
			return
		}
		s := b.shape(yield)
		s.called = true
		for i, e := range []ast.Expr{n.Key, n.Value} {
			if e != nil && !isBlank(e) && i < yield.Params().Len() {
				st := yield.Params().At(i).Type()
				for _, d := range b.lhsNodes(e) {
					b.flow(d, b.lhsType(e, st), st, append(slices.Clip(src), b.shapeNode(s, "param", i)), n.X.Pos(), 0)
				}
			}
		}
	}
}

// compare treats x == y when an interface is compared.
func (b *flowBuilder) compare(x, y ast.Expr, pos token.Pos) {
	xt, yt := b.info.TypeOf(x), b.info.TypeOf(y)
	if xt == nil || yt == nil {
		return
	}
	if b.info.Types[x].IsNil() || b.info.Types[y].IsNil() {
		return
	}
	if !comparesInterfaces(xt) && !comparesInterfaces(yt) {
		return
	}
	sink := b.sink(seeEqual, "==", "compared by", pos)
	empty := types.NewInterfaceType(nil, nil)
	b.assign(sink, empty, x, 0)
	b.assign(sink, empty, y, 0)
}

// comparesInterfaces reports whether == on t may compare interface values.
func comparesInterfaces(t types.Type) bool {
	if isInterface(t) {
		return true
	}
	switch t.Underlying().(type) {
	case *types.Struct, *types.Array:
		return true
	}
	_, param := types.Unalias(t).(*types.TypeParam)
	return param
}

func (b *flowBuilder) mapKey(m *types.Map, key ast.Expr) {
	if isInterface(m.Key()) {
		b.assign(b.sink(seeEqual, "a map", "a key of", key.Pos()), m.Key(), key, 0)
	}
}

func (b *flowBuilder) typeSwitch(n *ast.TypeSwitchStmt) {
	var x ast.Expr
	switch s := n.Assign.(type) {
	case *ast.ExprStmt:
		x = s.X
	case *ast.AssignStmt:
		x = s.Rhs[0]
	}
	ta, ok := ast.Unparen(x).(*ast.TypeAssertExpr)
	if !ok {
		return
	}
	src := b.nodesOf(ta.X)
	for _, s := range n.Body.List {
		c := s.(*ast.CaseClause)
		for _, e := range c.List {
			b.asserted(ta.X, b.info.TypeOf(e), e.Pos())
		}
		if v, ok := b.info.Implicits[c].(*types.Var); ok && b.carrier(v.Type()) {
			for _, s := range src {
				b.edge(s, b.varNode(v), token.NoPos, 0)
				if !isInterface(v.Type()) && shares(v.Type()) {
					b.edge(b.varNode(v), s, token.NoPos, 0)
				}
			}
		}
	}
}

// asserted treats x.(T): a T with unnamed structs is one type only as long as the
// structs it is spelled with agree.
func (b *flowBuilder) asserted(x ast.Expr, t types.Type, pos token.Pos) {
	if t == nil || !hasUnnamedStruct(t, 0) {
		return
	}
	sink := b.sink(seeType, "a type assertion", "matched by", pos)
	b.assign(sink, types.NewInterfaceType(nil, nil), x, 0)
	b.event(sink, t, pos, 0)
}

func hasUnnamedStruct(t types.Type, depth int) bool {
	if depth > 8 {
		return true
	}
	switch u := types.Unalias(t).(type) {
	case *types.Struct:
		return u.NumFields() > 0
	case *types.Pointer:
		return hasUnnamedStruct(u.Elem(), depth+1)
	case *types.Slice:
		return hasUnnamedStruct(u.Elem(), depth+1)
	case *types.Array:
		return hasUnnamedStruct(u.Elem(), depth+1)
	case *types.Chan:
		return hasUnnamedStruct(u.Elem(), depth+1)
	case *types.Map:
		return hasUnnamedStruct(u.Elem(), depth+1) || hasUnnamedStruct(u.Key(), depth+1)
	}
	return false
}

// nodesOf returns the places whose interface values e may be or contain.
func (b *flowBuilder) nodesOf(e ast.Expr) []nodeID {
	e = ast.Unparen(e)
	t := b.info.TypeOf(e)
	switch e := e.(type) {
	case *ast.Ident:
		if v, ok := b.info.ObjectOf(e).(*types.Var); ok && b.local(v.Pkg()) && b.carrier(v.Type()) {
			return []nodeID{b.varNode(v)}
		}
	case *ast.SelectorExpr:
		v, ok := b.info.Uses[e.Sel].(*types.Var)
		if !ok {
			return nil
		}
		if b.local(v.Pkg()) {
			if b.carrier(v.Type()) {
				return []nodeID{b.varNode(v)}
			}
			return nil
		}
		if s := b.info.Selections[e]; s != nil && b.carrier(s.Recv()) {
			return b.nodesOf(e.X)
		}
	case *ast.IndexExpr:
		if tv := b.info.Types[e.X]; tv.IsValue() {
			if _, fn := tv.Type.(*types.Signature); !fn {
				return b.nodesOf(e.X)
			}
		}
	case *ast.SliceExpr:
		return b.nodesOf(e.X)
	case *ast.StarExpr:
		return b.nodesOf(e.X)
	case *ast.UnaryExpr:
		if e.Op == token.AND || e.Op == token.ARROW {
			return b.nodesOf(e.X)
		}
	case *ast.TypeAssertExpr:
		if e.Type != nil && b.carrier(b.info.TypeOf(e.Type)) {
			return b.nodesOf(e.X)
		}
	case *ast.CompositeLit:
		if b.carrier(t) {
			return []nodeID{b.node(nodeKey{pos: e.Lbrace, idx: 1})}
		}
	case *ast.CallExpr:
		return b.resultNodes(e, 0)
	}
	return nil
}

// resultNodes returns the places of the i-th value of e.
func (b *flowBuilder) resultNodes(e ast.Expr, i int) []nodeID {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		if i == 0 {
			return b.nodesOf(e) // v, ok := m[k], x.(T), <-ch
		}
		return nil
	}
	tmp := b.node(nodeKey{pos: call.Lparen, idx: 1})
	if b.info.Types[call.Fun].IsType() {
		return []nodeID{tmp}
	}
	sig, ok := core(b.info.TypeOf(call.Fun)).(*types.Signature)
	if !ok {
		return []nodeID{tmp} // builtin
	}
	if i >= sig.Results().Len() || !b.carrier(sig.Results().At(i).Type()) {
		if i < sig.Results().Len() {
			return nil
		}
		return []nodeID{tmp}
	}
	switch obj := typeutil.Callee(b.info, call).(type) {
	case *types.Func:
		recv := obj.Signature().Recv()
		if recv != nil && isInterface(recv.Type()) {
			ids := []nodeID{b.methodNode(b.ifaceMethod(obj.Name(), obj.Signature()), "result", i)}
			if !b.local(obj.Pkg()) {
				ids = append(ids, b.externalResult(call, sig, i))
			}
			return ids
		}
		if !b.local(obj.Pkg()) {
			return []nodeID{b.externalResult(call, sig, i)}
		}
		return []nodeID{b.varNode(obj.Signature().Results().At(i))}
	case *types.Builtin:
		return []nodeID{tmp}
	}
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		if s, ok := b.info.TypeOf(lit).(*types.Signature); ok {
			return []nodeID{b.varNode(s.Results().At(i))}
		}
	}
	s := b.shape(sig)
	s.called = true
	return []nodeID{b.shapeNode(s, "result", i), tmp}
}

// externalResult is the place of the i-th result of a call of a function without
// syntax: of what the call got, that which has the result's methods.
func (b *flowBuilder) externalResult(call *ast.CallExpr, sig *types.Signature, i int) nodeID {
	id := b.node(nodeKey{pos: call.Lparen, idx: 2 + i})
	b.nodes[id].iface = methodful(sig.Results().At(i).Type())
	b.edge(b.node(nodeKey{pos: call.Lparen, idx: 1}), id, token.NoPos, 0)
	return id
}

// fieldTag is reflect's reading of a struct tag.
func fieldTag(tag, key string) (string, bool) { return reflect.StructTag(tag).Lookup(key) }

func (b *flowBuilder) constantString(e ast.Expr) (string, bool) {
	if tv := b.info.Types[e]; tv.Value != nil && tv.Value.Kind() == constant.String {
		return constant.StringVal(tv.Value), true
	}
	return "", false
}
