// This file turns classified uses into operations on syntax.

package rewrite

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// A form is what members of a class become.
type form struct {
	typ  string // type name in the runtime, "Sharded"
	star bool   // *safemap.Sharded rather than an interface
	ctor string // "NewSharded"
	of   string // "ShardedOf"
	std  bool   // *sync.Map of the standard library

}

var forms = map[string]form{
	"sharded": {typ: "Sharded", star: true, ctor: "NewSharded", of: "ShardedOf"},
	"syncmap": {typ: "SyncMap", star: true, ctor: "NewSyncMap", of: "SyncMapOf"},
	"locked":  {typ: "Locked", star: true, ctor: "NewLocked", of: "LockedOf"},
}

var (
	providerForm       = form{typ: "MapProvider", ctor: "NewProvider", of: "ProviderOf"}
	handleForm         = form{typ: "Handle", star: true, ctor: "NewHandle", of: "HandleOf"}
	nestedForm         = form{typ: "Nested", star: true, ctor: "NewNested", of: "NestedOf"}
	nestedLockedForm   = form{typ: "Nested", star: true, ctor: "NewNestedLocked", of: "NestedLockedOf"}
	nestedProviderForm = form{typ: "NestedProvider", ctor: "NewNestedProvider", of: "NestedProviderOf"}
	stdForm            = form{typ: "Map", star: true, std: true}
)

// An emitter collects the operations of one class, file by file.
type emitter struct {
	c    *class
	form form
	ops  map[*fileInfo][]op

	extra string // a runtime type that an operation needs beside the form's
}

func (c *class) emit(f form, merges []*merge) *emitter {
	em := &emitter{c: c, form: f, ops: map[*fileInfo][]op{}}
	seen := map[ast.Expr]bool{}
	if n := c.named; n != nil {
		em.add(n.fi, &typeOp{opBase: em.base(n.decl), Star: f.star, Name: f.typ, TypeArgs: em.typeArgs(n.decl), Field: n.field})
	}
	for _, m := range c.order {
		if m.typ == nil || seen[m.typ] {
			continue
		}
		seen[m.typ] = true
		mt, ok := ast.Unparen(m.typ).(*ast.MapType)
		if !ok {
			continue // refused in checkTypeExpr
		}
		switch {
		case f.std:
			text := "sync.Map"
			if f.star {
				text = "*" + text
			}
			em.add(m.fi, &textOp{em.base(mt), text})
		case m.level == row:
			em.add(m.fi, &typeOp{opBase: em.base(mt), Star: true, Name: "Row", TypeArgs: []ast.Expr{mt.Key, mt.Value}})
		case m.level == leaf:
			em.leafType(m.fi, mt)
		default:
			em.add(m.fi, &typeOp{opBase: em.base(mt), Star: f.star, Name: f.typ, TypeArgs: em.typeArgs(mt)})
		}
		if m.level != leaf {
			em.leafTypes(m.fi, mt)
		}
	}
	for _, m := range merges {
		em.merge(m)
	}
	for _, r := range c.recs {
		if !r.skip {
			em.use(r)
		}
	}
	return em
}

func (em *emitter) base(n ast.Node) opBase { return opBase{Site: em.c.n, Node: n} }

func (em *emitter) add(fi *fileInfo, o op) {
	if n := em.c.named; n != nil {
		switch o := o.(type) {
		case *callOp:
			if o.Recv != nil {
				o.Via = n.field
			}
		case *rangeOp:
			o.Via = n.field
		}
	}
	em.ops[fi] = append(em.ops[fi], o)
}

func (em *emitter) typeArgs(mt *ast.MapType) []ast.Expr {
	if em.c.nested {
		if inner, ok := ast.Unparen(mt.Value).(*ast.MapType); ok {
			return []ast.Expr{mt.Key, inner.Key, inner.Value}
		}
	}
	return []ast.Expr{mt.Key, mt.Value}
}

func exprArgs(list ...ast.Expr) []arg {
	out := make([]arg, 0, len(list)+1)
	for _, e := range list {
		out = append(out, arg{Expr: e})
	}
	return out
}

// call replaces node by base.fun(keys…, more…).
func (em *emitter) call(r *rec, fun string, more ...arg) {
	em.add(r.fi, &callOp{opBase: em.base(r.node), Recv: r.base, Fun: fun, Args: append(exprArgs(r.keys...), more...)})
}

// rowFun chooses between the method of a map and that of a row named by a key.
func (em *emitter) rowFun(r *rec, plain, ofRow string) string {
	if em.c.nested && r.row && len(r.keys) > 0 {
		return ofRow
	}
	return plain
}

func (em *emitter) use(r *rec) {
	c := em.c
	if em.form.std {
		em.useStd(r)
		return
	}
	switch r.kind {
	case useGet:
		em.call(r, "Get")
	case useLoad:
		em.call(r, or(r.fun, "Load"))
	case useStore:
		em.call(r, or(r.fun, em.existing(r, "Store")), arg{Expr: r.rhs})
	case useUpdate:
		em.update(r)
	case useStoreFirst:
		em.storeFirst(r)
	case useStoreAll:
		em.storeAll(r)
	case useDelete:
		if r.fun != "" {
			em.add(r.fi, &callOp{opBase: em.base(r.node), Fun: r.fun, Args: []arg{{Expr: r.base, Addr: c.isValue()}, {Expr: r.keys[0]}, {Text: r.value}}})
			em.extra = "MapProvider"
		} else if c.nested && !r.row && !r.leaf {
			em.call(r, "DeleteRow")
		} else if c.prunes && len(r.keys) == 2 {
			em.call(r, "DeletePruning")
		} else {
			em.call(r, "Delete")
		}
	case useLen:
		em.call(r, em.rowFun(r, "Len", "RowLen"))
	case useClear:
		em.add(r.fi, &callOp{opBase: em.base(r.node), Recv: r.node.(*ast.CallExpr).Args[0], Fun: "Clear"})
	case useRange:
		em.rangeOver(r)
	case useMake, useLiteral:
		if r.level == leaf {
			em.makeLeaf(r)
			break
		}
		if c.named != nil {
			em.constructNamed(r)
			break
		}
		if r.kind == useLiteral {
			em.literal(r)
			break
		}
		if c.isValue() {
			em.zeroValue(r, r.node.(*ast.CallExpr).Args[0])
			break
		}
		em.construct(r)
	case useFresh:
		from := r.node.(ast.Expr)
		if r.clone != nil {
			from = r.clone
		}
		em.add(r.fi, &callOp{opBase: em.base(r.node), Fun: em.form.of, Args: exprArgs(from)})
	case useSnapshot:
		if len(r.keys) > 0 {
			em.add(r.fi, &callOp{opBase: em.base(ast.Unparen(r.node.(ast.Expr))), Recv: r.base, Fun: "RowSnapshot", Args: exprArgs(r.keys...)})
		} else {
			em.add(r.fi, &callOp{opBase: em.base(r.node), Recv: r.node.(ast.Expr), Fun: "Snapshot"})
		}
	case useHelper:
		fun := r.fun
		if fun == "Clone" {
			fun = "Snapshot"
		}
		if em.c.nested && !r.row && fun == "Values" {
			fun = "Rows"
		}
		em.add(r.fi, &callOp{opBase: em.base(r.node), Recv: r.node.(*ast.CallExpr).Args[0], Fun: fun})
	case useRow:
		em.call(r, "Row")
	case useLoadRow:
		em.call(r, "LoadRow")
	case useStoreRow:
		em.leafTypes(r.fi, typeMade(r.rhs))
		em.call(r, "StoreRow", arg{Expr: r.rhs})
	case useDrain:
		em.call(r, "Drain")
	case useNilValue:
		em.add(r.fi, &textOp{em.base(r.node), c.spell(r.fi, c.named.obj.Type(), r.node.Pos()) + "{}"})
	case useNil:
		if c.named != nil {
			em.add(r.fi, &callOp{opBase: em.base(r.base), Recv: r.base, Selects: true})
		}
	case useReplace: // the pointer is assigned and compared as the map was
	}
}

// storeFirst emits m[k], err = f() in the order in which it happens: the call, the store,
// and what the other variables get.
func (em *emitter) storeFirst(r *rec) {
	p := r.node.(*ast.AssignStmt)
	var names, after []string
	for i, lhs := range p.Lhs {
		want := "value"
		if id, ok := lhs.(*ast.Ident); ok && i > 0 {
			if id.Name == "_" {
				names = append(names, "_")
				continue
			}
			want = id.Name
		}
		name := r.fi.fresh(p, want)
		r.fi.reserve(p, name)
		names = append(names, name)
		if i > 0 {
			after = append(after, want+" = "+name)
		}
	}
	em.add(r.fi, &hoistOp{opBase: em.base(p), Expr: r.rhs, Name: names[0], More: names[1:]})
	em.call(r, "Store", arg{Text: names[0]})
	if len(after) > 0 {
		em.add(r.fi, &lockOp{opBase: em.base(p), Last: p, After: after})
	}
}

// storeAll emits maps.Copy(m, x) as a function that stores one entry after the other: a
// step each, unless a lock keeps them together.
func (em *emitter) storeAll(r *rec) {
	if em.c.strict() && !em.c.guarding().together(r, r) {
		em.c.refuse("two-steps", r.node.Pos(), "take a lock around the statement", "the entries would be stored one at a time, and other goroutines could see some of them")
		return
	}
	em.add(r.fi, &callOp{opBase: em.base(r.node), Fun: "Copy", Args: []arg{{Expr: r.base, Addr: em.c.isValue()}, {Expr: r.rhs}}})
	em.extra = "MapProvider"
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// existing names the method that writes an element: m[a][b] = v of a nested map
// panics when the row is missing, and goes on doing so.
func (em *emitter) existing(r *rec, fun string) string {
	if em.c.nested && len(r.keys) == 2 {
		return fun + "Existing"
	}
	return fun
}

func (em *emitter) rangeOver(r *rec) {
	p := r.node.(*ast.RangeStmt)
	o := &rangeOp{opBase: em.base(p), Recv: p.X}
	whole := em.c.nested && !r.row && !r.leaf
	byKey := em.c.nested && r.row && len(r.keys) == 1
	if byKey {
		o.Recv, o.Args = r.base, exprArgs(r.keys...)
	}
	switch {
	case blank(p.Value):
		o.Fun, o.DropValue = "Keys", p.Value != nil
	case blank(p.Key):
		o.Fun, o.DropKey = "Values", true
		if whole {
			o.Fun = "Rows"
		}
	default:
		o.Fun = "All"
	}
	if byKey {
		o.Fun = "Row" + o.Fun
	}
	em.add(r.fi, o)
}

// zeroValue emits safemap.T[K, V]{} in the place of an empty map of the type t.
func (em *emitter) zeroValue(r *rec, t ast.Expr) {
	em.add(r.fi, &typeOp{opBase: em.base(r.node), Name: em.form.typ, TypeArgs: em.typeArgs(ast.Unparen(t).(*ast.MapType)), Lit: true})
}

func (em *emitter) literal(r *rec) {
	lit := r.node.(*ast.CompositeLit)
	switch {
	case em.c.isValue():
		em.zeroValue(r, lit.Type)
	case len(lit.Elts) == 0:
		em.leafTypes(r.fi, lit.Type)
		em.add(r.fi, &callOp{opBase: em.base(lit), Fun: em.form.ctor, TypeArgs: em.typeArgs(lit.Type.(*ast.MapType))})
	default:
		em.add(r.fi, &callOp{opBase: em.base(lit), Fun: em.form.of, Args: exprArgs(lit)})
	}
}

// constructNamed emits T{m: …} in the place of make(T) or a literal of T.
func (em *emitter) constructNamed(r *rec) {
	c := em.c
	key, elem := c.spell(r.fi, c.typ.Key(), r.node.Pos()), c.spell(r.fi, c.typ.Elem(), r.node.Pos())
	o := &callOp{opBase: em.base(r.node), Fun: em.form.ctor, TypeTexts: []string{key, elem},
		Wrap: c.spell(r.fi, c.named.obj.Type(), r.node.Pos()), WrapField: c.named.field}
	switch x := r.node.(type) {
	case *ast.CallExpr:
		o.Args = em.sizeHint(r, x)
	case *ast.CompositeLit:
		if len(x.Elts) > 0 && x.Type != nil {
			o.Fun, o.TypeTexts, o.Args = em.form.of, nil, exprArgs(x)
			em.add(r.fi, &textOp{em.base(x.Type), "map[" + key + "]" + elem})
		}
	}
	em.add(r.fi, o)
}

// sizeHint returns the hint of make as an argument of a constructor.
func (em *emitter) sizeHint(r *rec, call *ast.CallExpr) []arg {
	if len(call.Args) < 2 {
		return nil
	}
	n := call.Args[1]
	t := r.fi.pkg.Info.TypeOf(n)
	b, ok := t.Underlying().(*types.Basic)
	if types.Identical(t, types.Typ[types.Int]) || ok && b.Info()&types.IsUntyped != 0 {
		return exprArgs(n)
	}
	em.c.refuse("size-hint", n.Pos(), "convert the size hint to int", "the size hint %s is not an int", shortExpr(n))
	return nil
}

func (em *emitter) construct(r *rec) {
	call := r.node.(*ast.CallExpr)
	mt := ast.Unparen(call.Args[0]).(*ast.MapType)
	em.leafTypes(r.fi, mt)
	em.add(r.fi, &callOp{opBase: em.base(call), Fun: em.form.ctor, TypeArgs: em.typeArgs(mt), Args: em.sizeHint(r, call)})
}

// elemType returns Go source for the type of an element, valid at r's place.
func (em *emitter) elemType(r *rec) string {
	t := em.c.typ.Elem()
	if em.c.nested {
		t = t.(*types.Map).Elem()
	}
	// Inside a generic type's method the type parameters have the names that the
	// method's receiver gives them: take the type from the member as used here.
	if bt, ok := r.fi.pkg.Info.TypeOf(r.base).(*types.Map); ok {
		t = bt.Elem()
		if in, ok := t.(*types.Map); ok && em.c.nested && !(r.row && len(r.keys) < 2) {
			t = in.Elem()
		}
	}
	return em.c.spell(r.fi, t, r.node.Pos())
}

// update emits m[k]++, m[k] op= x and m[k] = f(m[k], x) as one Update.
func (em *emitter) update(r *rec) {
	c := em.c
	fa := &funcArg{Param: r.fi.fresh(r.node, "old"), Type: em.elemType(r)}
	stmt := r.node.(ast.Stmt)
	switch s := stmt.(type) {
	case *ast.IncDecStmt:
		fa.IncDec = s.Tok.String()[:1]
	case *ast.AssignStmt:
		if s.Tok != token.ASSIGN {
			fa.Op = strings.TrimSuffix(s.Tok.String(), "=")
			fa.Body = s.Rhs[0]
			em.hoist(r, stmt, s.Rhs[0])
			break
		}
		if r.apart {
			em.twoSteps(r, s)
			return
		}
		fa.Body, fa.Olds = s.Rhs[0], r.olds
		if em.form.typ == "SyncMap" && !basicResult(r) {
			c.refuse("impure-callback", s.Pos(), "use --strategy=sharded or --strategy=locked",
				"%s may run twice at once for the same old value on a SyncMap, and is only safe there when it makes a new value", shortExpr(s.Rhs[0]))
		}
		em.hoist(r, stmt, c.appendsTo(r, s.Rhs[0])...)
	}
	em.call(r, or(r.fun, em.existing(r, "Update")), arg{Func: fa})
}

// basicResult reports whether the element is a number, string or bool: computing
// a new one leaves the old one alone, which appending to a slice does not.
func basicResult(r *rec) bool {
	t := r.fi.pkg.Info.TypeOf(r.rhs)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Basic)
	return ok
}

// twoSteps emits m[k] = f(m[k]) as a Get and a Store, which is what it is under
// a lock or in one goroutine; a shared map is refused.
func (em *emitter) twoSteps(r *rec, s *ast.AssignStmt) {
	if em.c.strict() && !em.c.guarding().together(r, r) {
		em.c.refuse("callback-calls", s.Pos(), "compute the new value from a plain function, or take a lock around the statement",
			"%s would have to run while the map is locked, and may block or use the map itself", shortExpr(s.Rhs[0]))
		return
	}
	em.call(r, or(r.fun, em.existing(r, "Store")), arg{Expr: r.rhs})
}

// hoist evaluates operands that must not run inside a callback before it, keys
// with effects first, as the source does.
func (em *emitter) hoist(r *rec, stmt ast.Stmt, operands ...ast.Expr) {
	c := em.c
	var todo []ast.Expr
	for _, x := range operands {
		if !c.simple(r.fi, x) {
			todo = append(todo, x)
		}
	}
	if len(todo) == 0 {
		return
	}
	if !r.fi.inBlock(stmt) {
		c.refuse("cannot-hoist", stmt.Pos(), "evaluate the operand in a statement before this one", "an operand of this update has to be evaluated first, and there is no place for it here")
		return
	}
	if jumpedOver(r.fi.enclosing(stmt), stmt) {
		c.refuse("cannot-hoist", stmt.Pos(), "evaluate the operand in a statement before this one", "an operand of this update has to be evaluated first, into a variable that a goto of this function might jump over")
		return
	}
	put := func(x ast.Expr, want string) {
		if shiftsConstant(r.fi, x) || comparesAs(r.fi, x) || r.fi.pkg.Info.TypeOf(x) == nil {
			c.refuse("cannot-hoist", x.Pos(), "give the operand a variable of its own", "the operand's type would change if it were evaluated first")
			return
		}
		name := r.fi.fresh(stmt, want)
		r.fi.reserve(stmt, name)
		em.add(r.fi, &hoistOp{opBase: em.base(stmt), Expr: x, Name: name})
	}
	for _, x := range outerCalls(r.fi, r.base) { // and no more: what they give is looked into after the operands
		want := "target"
		if p, ok := r.fi.parent(x).(*ast.IndexExpr); ok && p.Index == x {
			want = "index"
		}
		put(x, want)
	}
	for _, k := range r.keys {
		if !c.simple(r.fi, k) {
			put(k, "key")
		}
	}
	for _, x := range todo {
		put(x, "value")
	}
}

// outerCalls returns the calls and receive operations in e that are in no other, in their order.
func outerCalls(fi *fileInfo, e ast.Expr) (list []ast.Expr) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if fi.isConversion(n) {
				return true
			}
			list = append(list, n)
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				list = append(list, n)
				return false
			}
		case *ast.FuncLit:
			return false
		}
		return true
	})
	return list
}

// jumpedOver reports whether a function has a goto from before a statement to behind it.
func jumpedOver(fn ast.Node, stmt ast.Stmt) (found bool) {
	from := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BranchStmt:
			if n.Tok == token.GOTO && n.Pos() < stmt.Pos() {
				from[n.Label.Name] = true
			}
		case *ast.LabeledStmt:
			found = found || n.Pos() > stmt.Pos() && from[n.Label.Name]
		}
		return !found
	})
	return found
}

// comparesAs reports a comparison whose context makes its result another type
// than bool.
func comparesAs(fi *fileInfo, e ast.Expr) bool {
	t := fi.pkg.Info.TypeOf(e)
	if t == nil || types.Identical(t, types.Typ[types.Bool]) {
		return false
	}
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		return x.Op == token.NOT && comparesAs(fi, x.X)
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND, token.LOR:
			return comparesAs(fi, x.X) && comparesAs(fi, x.Y)
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return true
		}
	}
	return false
}

// shiftsConstant reports a shift whose constant left operand takes its type from
// the context.
func shiftsConstant(fi *fileInfo, e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if b, ok := n.(*ast.BinaryExpr); ok && (b.Op == token.SHL || b.Op == token.SHR) {
			found = found || fi.pkg.Info.Types[b.X].Value != nil
		}
		return !found
	})
	return found
}

func (em *emitter) merge(m *merge) {
	if em.form.std && (m.atExpr != nil || m.lazy || m.into != "") {
		em.c.refuse("no-direct-method", m.call.node.Pos(), "use --runtime=plain, whose SyncMap is typed", "the loaded value would need a type assertion")
	}
	if m.stmt != nil {
		o := &callOp{opBase: em.base(m.stmt), Recv: m.call.base, Fun: m.fun, Args: exprArgs(m.call.keys...), Into: m.into}
		if m.atExpr != nil {
			o.Node = m.atExpr
		}
		if m.value != nil {
			a := arg{Expr: m.value}
			switch {
			case em.c.deep && !m.call.leaf: // an empty leaf costs next to nothing
				if !emptyMap(m.fi, m.value) {
					em.c.refuse("row-made-apart", m.value.Pos(), "store a new map (make, or an empty literal)", "%s becomes an inner map only if there is none yet", shortExpr(m.value))
				}
				o.Fun = "LoadOrStore"
			case m.lazy:
				a = arg{Func: &funcArg{Type: em.elemType(m.call), Body: m.value}}
			}
			o.Args = append(o.Args, a)
		}
		em.add(m.fi, o)
	}
	if m.blank {
		em.add(m.fi, &textOp{em.base(m.ok), "_"})
	}
	for _, s := range m.drop {
		em.add(m.fi, &removeOp{em.base(s)})
	}
}

// keepsType reports whether a constant of type want is still of that type when
// an interface parameter, not a variable of type want, receives it: an untyped 1
// becomes an int there, even if the map's element is a float64.
func keepsType(v constant.Value, e ast.Expr, want types.Type) bool {
	switch v.Kind() {
	case constant.String:
		return types.Identical(want, types.Typ[types.String])
	case constant.Bool:
		return types.Identical(want, types.Typ[types.Bool])
	case constant.Int:
		lit, ok := ast.Unparen(e).(*ast.BasicLit)
		return types.Identical(want, types.Typ[types.Int]) && ok && lit.Kind == token.INT
	}
	return false
}

// useStd emits methods of sync.Map itself where one exists with the same
// meaning and no type assertion is needed.
func (em *emitter) useStd(r *rec) {
	c := em.c
	direct := func(e ast.Expr, want types.Type) {
		tv := r.fi.pkg.Info.Types[e]
		if !types.Identical(tv.Type, want) || tv.Value != nil && !keepsType(tv.Value, e, want) {
			c.refuse("no-direct-method", e.Pos(), "use --runtime=plain, whose SyncMap is typed", "%s would be stored with another type than %s", shortExpr(e), want)
		}
	}
	for _, k := range r.keys {
		direct(k, c.typ.Key())
	}
	switch r.kind {
	case useStore:
		direct(r.rhs, c.typ.Elem())
		em.call(r, "Store", arg{Expr: r.rhs})
	case useDelete:
		em.call(r, "Delete")
	case useClear:
		em.add(r.fi, &callOp{opBase: em.base(r.node), Recv: r.node.(*ast.CallExpr).Args[0], Fun: "Clear"})
	case useLoad:
		as, _ := r.fi.parent(r.node).(*ast.AssignStmt)
		if as == nil || !blank(as.Lhs[0]) {
			c.refuse("no-direct-method", r.node.Pos(), "use --runtime=plain, whose SyncMap is typed", "the loaded value would need a type assertion")
			return
		}
		em.call(r, "Load")
	case useMake:
		em.add(r.fi, &textOp{em.base(r.node), "new(sync.Map)"})
	case useLiteral:
		if len(r.node.(*ast.CompositeLit).Elts) > 0 {
			c.refuse("no-direct-method", r.node.Pos(), "use --runtime=plain", "sync.Map cannot be made from a literal")
			return
		}
		em.add(r.fi, &textOp{em.base(r.node), "new(sync.Map)"})
	default:
		c.refuse("no-direct-method", r.node.Pos(), "use --runtime=plain, whose SyncMap has every operation", "sync.Map has no direct method for this use of the map")
	}
}
