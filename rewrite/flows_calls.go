// This file treats calls: who gets which argument, and what comes back.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

var emptyInterface = types.NewInterfaceType(nil, nil)

// An argument is one operand of a call and the parameter that it goes to.
type argument struct {
	index  int // of the parameter
	param  types.Type
	expr   ast.Expr // nil for the values of f(g())
	typ    types.Type
	nodes  func() []nodeID
	pos    token.Pos
	spread bool // xs...
}

func (b *flowBuilder) arguments(sig *types.Signature, call *ast.CallExpr) []argument {
	params := sig.Params()
	paramType := func(i int) (int, types.Type) {
		if sig.Variadic() && i >= params.Len()-1 {
			last := params.Len() - 1
			if s, ok := core(params.At(last).Type()).(*types.Slice); ok {
				return last, s.Elem()
			}
			return last, params.At(last).Type()
		}
		if i >= params.Len() {
			return -1, nil
		}
		return i, params.At(i).Type()
	}
	if len(call.Args) == 1 && params.Len() != 1 || len(call.Args) == 1 && sig.Variadic() {
		if tuple, ok := b.info.TypeOf(call.Args[0]).(*types.Tuple); ok {
			var args []argument
			for i := range tuple.Len() {
				if p, t := paramType(i); t != nil {
					args = append(args, argument{index: p, param: t, typ: tuple.At(i).Type(), pos: call.Args[0].Pos(),
						nodes: func() []nodeID { return b.resultNodes(call.Args[0], i) }})
				}
			}
			return args
		}
	}
	var args []argument
	for i, e := range call.Args {
		p, t := paramType(i)
		if t == nil {
			continue
		}
		spread := call.Ellipsis.IsValid() && i == len(call.Args)-1
		if spread {
			t = params.At(p).Type()
		}
		args = append(args, argument{index: p, param: t, expr: e, typ: b.info.TypeOf(e), pos: e.Pos(), spread: spread,
			nodes: func() []nodeID {
				if b.carrier(b.info.TypeOf(e)) {
					return b.nodesOf(e)
				}
				return nil
			}})
	}
	return args
}

func (b *flowBuilder) pass(dst nodeID, a argument, verb byte) {
	if a.typ == nil {
		return
	}
	if basic, ok := a.typ.(*types.Basic); ok && basic.Kind() == types.UntypedNil {
		return
	}
	if a.spread {
		// f(xs...): what f puts into xs is not followed back to the caller; printf-like
		// wrappers, which are nearly all there is, only read.
		b.pair(a.typ, a.param, a.pos)
		for _, s := range a.nodes() {
			b.edge(s, dst, a.pos, verb)
		}
		return
	}
	b.flow(dst, a.param, a.typ, a.nodes(), a.pos, verb)
}

// verbsOf returns the verb of each argument of a printf-like call: constant string,
// then operands. Only the trailing variadic ...any counts as operands.
func (b *flowBuilder) verbsOf(sig *types.Signature, call *ast.CallExpr) func(i int) byte {
	none := func(int) byte { return 0 }
	n := sig.Params().Len()
	if !sig.Variadic() || n < 2 || call.Ellipsis.IsValid() || len(call.Args) < n-1 {
		return none
	}
	if s, ok := sig.Params().At(n - 1).Type().(*types.Slice); !ok || !isInterface(s.Elem()) {
		return none
	}
	format, ok := b.constantString(call.Args[n-2])
	if !ok {
		return none
	}
	verbs, ok := formatVerbs(format)
	if !ok {
		return none
	}
	return func(i int) byte {
		i -= n - 1
		switch {
		case i < 0:
			return 0
		case i < len(verbs):
			return verbs[i]
		}
		return 'v' // %!(EXTRA type=value)
	}
}

func (b *flowBuilder) call(call *ast.CallExpr) {
	fun := ast.Unparen(call.Fun)
	b.markCallee(fun)
	if b.info.Types[call.Fun].IsType() {
		b.conversion(call)
		return
	}
	obj := typeutil.Callee(b.info, call)
	if bi, ok := obj.(*types.Builtin); ok {
		b.builtin(call, bi.Name())
		return
	}
	sig, ok := core(b.info.TypeOf(call.Fun)).(*types.Signature)
	if !ok {
		return
	}
	args := b.arguments(sig, call)
	verbs := b.verbsOf(sig, call)
	switch fn := obj.(type) {
	case *types.Func:
		declared := fn.Signature()
		if declared.Recv() != nil && isInterface(declared.Recv().Type()) {
			m := b.ifaceMethod(fn.Name(), declared)
			for i, a := range args {
				b.pass(b.methodNode(m, "param", a.index), a, verbs(i))
			}
			if !b.local(fn.Pkg()) {
				b.external(call, fn, sig, args)
			}
			return
		}
		if !b.local(fn.Pkg()) {
			b.external(call, fn, sig, args)
			return
		}
		off := 0
		if sel, ok := fun.(*ast.SelectorExpr); ok && declared.Recv() != nil {
			if s := b.info.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
				off = 1
				if len(args) > 0 {
					b.pass(b.varNode(declared.Recv()), args[0], 0)
					args = args[1:]
				}
			} else if b.carrier(declared.Recv().Type()) {
				for _, s := range b.receiver(sel) {
					b.flow(b.varNode(declared.Recv()), declared.Recv().Type(), declared.Recv().Type(), []nodeID{s}, sel.Pos(), 0)
				}
			}
		}
		for i, a := range args {
			if a.index-off < declared.Params().Len() && a.index >= off {
				b.pass(b.varNode(declared.Params().At(a.index-off)), a, verbs(i+off))
			}
		}
		return
	}
	if lit, ok := fun.(*ast.FuncLit); ok {
		if s, ok := b.info.TypeOf(lit).(*types.Signature); ok {
			for _, a := range args {
				b.pass(b.varNode(s.Params().At(a.index)), a, 0)
			}
		}
		return
	}
	s := b.shape(sig)
	s.called = true
	for i, a := range args {
		b.pass(b.shapeNode(s, "param", a.index), a, verbs(i))
	}
	if v := calledVar(b.info, fun); v != nil && b.local(v.Pkg()) {
		return
	}
	// The function itself comes from outside: a field of an external struct, a result.
	if emptyParam(sig) {
		name := types.ExprString(fun)
		for _, a := range args {
			if holdsEmpty(a.param) || a.spread && holdsEmpty(a.param) {
				b.pass(b.sink(seeUnknown, name, "passed to", call.Lparen), a, 0)
			}
		}
	}
}

func calledVar(info *types.Info, fun ast.Expr) *types.Var {
	for {
		switch e := ast.Unparen(fun).(type) {
		case *ast.Ident:
			v, _ := info.Uses[e].(*types.Var)
			return v
		case *ast.SelectorExpr:
			v, _ := info.Uses[e.Sel].(*types.Var)
			return v
		case *ast.IndexExpr:
			fun = e.X
		case *ast.StarExpr:
			fun = e.X
		case *ast.CallExpr:
			// The result of a call: of a function of the module, it is one of its values.
			fun = e.Fun
			if id := embeddedName(ast.Unparen(fun)); id != nil {
				if fn, ok := info.Uses[id].(*types.Func); ok {
					return types.NewVar(token.NoPos, fn.Pkg(), "", nil)
				}
			}
		case *ast.TypeAssertExpr:
			fun = e.X
		default:
			return nil
		}
	}
}

func (b *flowBuilder) markCallee(fun ast.Expr) {
	switch e := fun.(type) {
	case *ast.Ident:
		b.callees[e] = true
	case *ast.SelectorExpr:
		b.callees[e] = true
	case *ast.IndexExpr:
		b.markCallee(ast.Unparen(e.X))
	case *ast.IndexListExpr:
		b.markCallee(ast.Unparen(e.X))
	}
}

// receiver returns the places of the receiver of sel, which may be promoted.
func (b *flowBuilder) receiver(sel *ast.SelectorExpr) []nodeID {
	s := b.info.Selections[sel]
	if s == nil || len(s.Index()) == 1 {
		return b.nodesOf(sel.X)
	}
	way := embeddedOn(s)
	v := way[len(way)-1]
	if !b.carrier(v.Type()) {
		return nil
	}
	if !b.local(v.Pkg()) {
		return b.nodesOf(sel.X)
	}
	return []nodeID{b.varNode(v)}
}

func (b *flowBuilder) conversion(call *ast.CallExpr) {
	if len(call.Args) != 1 {
		return
	}
	dt, arg := b.info.TypeOf(call), call.Args[0]
	tmp := b.node(nodeKey{pos: call.Lparen, idx: 1})
	b.assign(tmp, dt, arg, 0)
	st := b.info.TypeOf(arg)
	if basic, ok := dt.Underlying().(*types.Basic); ok && basic.Kind() == types.UnsafePointer && st != nil {
		b.event(b.sink(seeMemory, "unsafe.Pointer", "converted to", call.Lparen), st, arg.Pos(), 0)
	}
	if st != nil {
		if basic, ok := st.Underlying().(*types.Basic); ok && basic.Kind() == types.UnsafePointer {
			b.event(b.sink(seeMemory, "unsafe.Pointer", "converted from", call.Lparen), dt, arg.Pos(), 0)
		}
	}
	// expvar.Func(f): a function type of another package whose results it looks at.
	if named, ok := types.Unalias(dt).(*types.Named); ok && !b.local(named.Obj().Pkg()) && named.Obj().Pkg() != nil {
		if sig, ok := named.Underlying().(*types.Signature); ok && emptyResult(sig) {
			eff, _ := effectOfPackage(named.Obj().Pkg().Path(), named.Obj().Name())
			for _, v := range eff.views {
				b.results(arg, b.sink(v, qualified(named.Obj()), "returned to", call.Lparen))
			}
		}
	}
}

func (b *flowBuilder) builtin(call *ast.CallExpr, name string) {
	if len(call.Args) == 0 {
		if name == "recover" {
			b.edge(b.textNode("panic"), b.node(nodeKey{pos: call.Lparen, idx: 1}), token.NoPos, 0)
		}
		return
	}
	tmp := b.node(nodeKey{pos: call.Lparen, idx: 1})
	first := b.info.TypeOf(call.Args[0])
	switch name {
	case "append":
		b.assign(tmp, first, call.Args[0], 0)
		s, ok := core(first).(*types.Slice)
		if !ok {
			return
		}
		for i, e := range call.Args[1:] {
			if call.Ellipsis.IsValid() && i == len(call.Args)-2 {
				if b.carrier(b.info.TypeOf(e)) {
					for _, n := range b.nodesOf(e) {
						b.edge(n, tmp, e.Pos(), 0) // a copy: not back
					}
				}
				continue
			}
			b.assign(tmp, s.Elem(), e, 0)
		}
	case "copy":
		if len(call.Args) == 2 && b.carrier(first) && b.carrier(b.info.TypeOf(call.Args[1])) {
			for _, d := range b.nodesOf(call.Args[0]) {
				for _, s := range b.nodesOf(call.Args[1]) {
					b.edge(s, d, call.Lparen, 0)
				}
			}
		}
	case "panic":
		b.assign(b.sink(seeLog, "panic", "passed to", call.Lparen), emptyInterface, call.Args[0], 0)
		b.assign(b.textNode("panic"), emptyInterface, call.Args[0], 0)
	case "delete":
		if m, ok := core(first).(*types.Map); ok && len(call.Args) == 2 {
			b.mapKey(m, call.Args[1])
		}
	case "min", "max":
		for _, e := range call.Args {
			b.assign(tmp, first, e, 0)
		}
	case "Sizeof", "Alignof":
		b.event(b.sink(seeMemory, "unsafe."+name, "passed to", call.Lparen), types.NewPointer(first), call.Args[0].Pos(), 0)
	case "Offsetof":
		if sel, ok := ast.Unparen(call.Args[0]).(*ast.SelectorExpr); ok {
			if t := b.info.TypeOf(sel.X); t != nil {
				b.event(b.sink(seeMemory, "unsafe.Offsetof", "passed to", call.Lparen), types.NewPointer(deref(t)), sel.Pos(), 0)
			}
		}
	}
}

// external treats a call of a function without syntax.
func (b *flowBuilder) external(call *ast.CallExpr, fn *types.Func, sig *types.Signature, args []argument) {
	eff, _ := effectOf(fn)
	name := qualified(fn)
	tmp := b.node(nodeKey{pos: call.Lparen, idx: 1})

	// What goes in may come out: of the results, the receiver, the callbacks' parameters.
	pkg := ""
	if fn.Pkg() != nil {
		pkg = fn.Pkg().Path()
	}
	out := []nodeID{tmp}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if s := b.info.Selections[sel]; s != nil && b.carrier(s.Recv()) && s.Kind() == types.MethodVal && (!isInterface(s.Recv()) || pkg == "reflect") {
			for _, n := range b.receiver(sel) {
				out = append(out, n)
				b.edge(n, tmp, token.NoPos, 0)
				if pkg == "reflect" && reflectSees[fn.Name()] != (view{}) {
					b.edge(n, b.sink(reflectSees[fn.Name()], name, "looked into by", call.Lparen), token.NoPos, 0)
				}
			}
		}
	}
	switch {
	case pkg == "context" && (fn.Name() == "WithValue" || fn.Name() == "Value"):
		ctx := b.textNode("context values")
		out = append(out, ctx)
		b.edge(ctx, tmp, token.NoPos, 0)
	case pkg == "container/heap":
		heap := b.textNode("heap")
		b.edge(heap, tmp, token.NoPos, 0)
		if fn.Name() == "Push" && len(args) == 2 {
			m := b.ifaceMethod("Push", types.NewSignatureType(nil, nil, nil, types.NewTuple(types.NewParam(token.NoPos, nil, "", emptyInterface)), nil, false))
			b.pass(b.methodNode(m, "param", 0), args[1], 0)
		}
	}

	verbs := func(int) byte { return 0 }
	formatted := false
	if eff.format {
		verbs = b.verbsOf(sig, call)
		n := sig.Params().Len()
		_, formatted = b.constantString(call.Args[max(0, min(n-2, len(call.Args)-1))])
		formatted = formatted && !call.Ellipsis.IsValid()
	}
	for i, a := range args {
		views := eff.views
		if a.typ == nil {
			continue
		}
		if f, ok := core(a.param).(*types.Signature); ok {
			b.callback(a, f, tmp, name, eff)
			continue
		}
		if !b.carrier(a.param) && !b.carrier(declaredParam(fn, a.index)) {
			continue
		}
		for _, d := range out {
			if eff.keeps || b.mayBeError(a) {
				b.pass(d, a, 0)
			}
		}
		if isInterface(a.typ) || isInterface(a.param) {
			if looksLikeProto(a.param) {
				views = encodes(plainAny)
			}
		}
		if v := reflectSees[fn.Name()]; pkg == "reflect" && v != (view{}) {
			views = []view{v}
		}
		if !holdsEmpty(a.param) && !looksLikeProto(a.param) && !equalOnly(views) {
			continue // an interface with methods: the callee calls them
		}
		if eff.args && sig.Variadic() && a.index == sig.Params().Len()-1 {
			views = []view{seeLog}
		}
		for _, v := range views {
			if v.kind == viewFmt && a.spread && b.isLogger(a.expr) {
				v.note = true
			}
			verb := verbs(i)
			if eff.format && v.kind == viewFmt {
				switch {
				case a.index < sig.Params().Len()-1:
					continue // the writer, the format
				case verb != 0:
					if verb == 'T' {
						v = view{kind: viewType, note: v.note}
						break
					}
					mode, ok := verbView(verb)
					if !ok {
						continue
					}
					v.fmt = mode
					if !isInterface(a.typ) && !strings.ContainsRune("v#pw", rune(verb)) {
						v.note = false // vet, and so go test, rejects what such verbs meet in the runtime's types
					}
				case formatted:
					v.fmt = fmtRaw
				}
			}
			b.pass(b.sink(v, name, "passed to", call.Lparen), a, 0)
		}
	}
}

func (b *flowBuilder) isLogger(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && b.logger != nil && b.info.Uses[id] == b.logger
}

// mayBeError reports whether an operand of fmt.Errorf and the like can come back as an
// error, to be unwrapped.
func (b *flowBuilder) mayBeError(a argument) bool {
	return isInterface(a.typ) || b.carrier(a.typ) || implements(a.typ, errorType)
}

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

// implements is types.Implements by names of methods: types of two variants of a
// package are not identical.
func implements(t types.Type, iface *types.Interface) bool {
	for m := range iface.Methods() {
		obj, _, _ := types.LookupFieldOrMethod(t, false, m.Pkg(), m.Name())
		if _, ok := obj.(*types.Func); !ok {
			return false
		}
	}
	return true
}

// equalOnly reports whether all that is looked at is what == compares (errors.Is).
func equalOnly(views []view) bool {
	return len(views) > 0 && !slices.ContainsFunc(views, func(v view) bool { return v.kind != viewEqual })
}

func declaredParam(fn *types.Func, i int) types.Type {
	if p := fn.Signature().Params(); i < p.Len() {
		return p.At(i).Type()
	}
	return nil
}

func looksLikeProto(t types.Type) bool {
	iface, ok := t.Underlying().(*types.Interface)
	if !ok {
		return false
	}
	for m := range iface.Methods() {
		if m.Name() == "ProtoReflect" || m.Name() == "ProtoMessage" {
			return true
		}
	}
	return false
}

// callback treats a function that is handed to code outside the module: what it
// returns is observed as an argument is, and its parameters may be the call's other
// operands.
func (b *flowBuilder) callback(a argument, param *types.Signature, tmp nodeID, name string, eff effect) {
	if a.expr == nil {
		return
	}
	carry := false
	for v := range param.Results().Variables() {
		carry = carry || b.carrier(v.Type())
	}
	if carry {
		b.results(a.expr, tmp)
	}
	if emptyResult(param) {
		for _, v := range eff.views {
			b.results(a.expr, b.sink(v, name, "returned to", a.pos))
		}
	}
	sig, ok := core(a.typ).(*types.Signature)
	if !ok {
		return
	}
	if fn := b.funcNamed(a.expr); fn != nil && fn.Params().Len() == sig.Params().Len() {
		for v := range fn.Params().Variables() {
			if b.carrier(v.Type()) {
				b.edge(tmp, b.varNode(v), token.NoPos, 0)
			}
			b.foreignParam(v, name, a.pos)
		}
		return
	}
	s := b.shape(sig)
	for i := range sig.Params().Len() {
		if b.carrier(sig.Params().At(i).Type()) {
			b.edge(tmp, b.shapeNode(s, "param", i), token.NoPos, 0)
		}
	}
}

func (b *flowBuilder) foreignParam(v *types.Var, name string, pos token.Pos) {
	if f, ok := v.Type().Underlying().(*types.Signature); ok && emptyParam(f) {
		b.foreign(f, []view{seeUnknown}, name, pos)
	}
}

// link joins the calls through interfaces and function values with all that may
// run: methods by name and signature, functions by signature.
func (b *flowBuilder) link() {
	for len(b.ifaceCalls) > 0 {
		calls := b.ifaceCalls
		b.ifaceCalls = map[string]*ifaceMethod{}
		for _, key := range sortedKeys(calls) {
			b.linkMethod(calls[key])
		}
	}
	keys := sortedKeys(b.funcSigs)
	for _, key := range keys {
		s := b.funcSigs[key]
		for _, v := range s.values {
			b.linkFunc(s, v)
		}
		for _, other := range keys {
			t := b.funcSigs[other]
			if s == t || !s.loose && !t.loose || !t.called || len(s.values) == 0 || !b.mayBeSameSignature(s.sig, t.sig, 0) {
				continue
			}
			for _, v := range s.values {
				b.linkFunc(t, v)
			}
		}
	}
}

func sameArity(s, t *types.Signature) bool {
	return s.Params().Len() == t.Params().Len() && s.Results().Len() == t.Results().Len() && s.Variadic() == t.Variadic()
}

func (b *flowBuilder) linkMethod(m *ifaceMethod) {
	key, loose := sigKey(m.sig)
	for _, fn := range b.methods[m.name] {
		sig := fn.Signature()
		k, l := sigKey(sig)
		if !loose && !l && k != key || !b.mayBeSameSignature(sig, m.sig, 0) {
			continue
		}
		b.linkSignature(sig, func(part string, i int) nodeID { return b.methodNode(m, part, i) })
	}
	exts := make([]*types.Func, 0, len(b.extMethods[m.name]))
	for fn := range b.extMethods[m.name] {
		exts = append(exts, fn)
	}
	slices.SortFunc(exts, func(x, y *types.Func) int { return strings.Compare(x.FullName(), y.FullName()) })
	for _, fn := range exts {
		if sameArity(fn.Signature(), m.sig) {
			b.linkExternal(fn, func(i int) nodeID { return b.methodNode(m, "param", i) })
		}
	}
}

// linkSignature joins the nodes of a call's parameters and results to a function's.
func (b *flowBuilder) linkSignature(sig *types.Signature, node func(part string, i int) nodeID) {
	for i := range sig.Params().Len() {
		p := sig.Params().At(i)
		if !b.carrier(p.Type()) {
			continue
		}
		b.edge(node("param", i), b.varNode(p), token.NoPos, 0)
		if shares(p.Type()) && !(sig.Variadic() && i == sig.Params().Len()-1) {
			b.edge(b.varNode(p), node("param", i), token.NoPos, 0)
		}
	}
	for i := range sig.Results().Len() {
		r := sig.Results().At(i)
		if !b.carrier(r.Type()) {
			continue
		}
		b.edge(b.varNode(r), node("result", i), token.NoPos, 0)
		if shares(r.Type()) {
			b.edge(node("result", i), b.varNode(r), token.NoPos, 0)
		}
	}
}

func (b *flowBuilder) linkFunc(s *funcShape, v funcValue) {
	if v.ext != nil {
		b.linkExternal(v.ext, func(i int) nodeID { return b.shapeNode(s, "param", i) })
		return
	}
	b.linkSignature(v.sig, func(part string, i int) nodeID { return b.shapeNode(s, part, i) })
}

// linkExternal makes what reaches parameter nodes observed as the function fn,
// which is outside the module, observes it.
func (b *flowBuilder) linkExternal(fn *types.Func, param func(i int) nodeID) {
	eff, _ := effectOf(fn)
	sig := fn.Signature()
	for i := range sig.Params().Len() {
		if !holdsEmpty(sig.Params().At(i).Type()) {
			continue
		}
		for _, v := range eff.views {
			b.edge(param(i), b.sink(v, qualified(fn), "passed to", token.NoPos), token.NoPos, 0)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
