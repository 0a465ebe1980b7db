// This file decides about the value form: a variable that is a map, not a pointer to
// one, so that it is never assigned.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// lazyVariable recognises the lazy creation of a map that goroutines share:
//
//	if s.m == nil { s.m = make(map[K]V) }   // every handler runs this
//
// As a pointer the variable would still be raced, so that the class takes the
// value form, whose zero value is an empty map, and the block goes. settle checks
// that nothing else depends on the variable being nil or assigned.
func (c *class) lazyVariable(r *rec) *merge {
	if r.row || r.leaf || len(r.keys) > 0 || !c.strict() || c.pointerHolds() {
		return nil
	}
	bin := r.node.(*ast.BinaryExpr)
	p, ok := r.fi.parent(bin).(*ast.IfStmt)
	if !ok || p.Cond != ast.Expr(bin) || p.Init != nil || bin.Op != token.EQL || !r.fi.inBlock(p) {
		return nil
	}
	_, body := onlyIf(p)
	if len(body) != 1 {
		return nil
	}
	as, ok := body[0].(*ast.AssignStmt)
	if !ok || as.Tok != token.ASSIGN || len(as.Lhs) != 1 || !r.fi.same(as.Lhs[0], r.base) || !emptyMap(r.fi, as.Rhs[0]) {
		return nil
	}
	c.lazy = append(c.lazy, as)
	c.absorb(r, c.byNode[as.Lhs[0]], c.byNode[ast.Unparen(as.Rhs[0])])
	return &merge{fi: r.fi, drop: []ast.Stmt{p}}
}

// replacements recognises the assignments that give a shared variable another map:
//
//	s.m = make(map[K]V)      // → s.m.Clear()
//	s.m = map[K]V{k: v}      // → s.m.ReplaceAll(map[K]V{k: v})
//
// As a pointer the variable would still be raced, so that the class takes the value
// form, in which they are one atomic step. It is all or nothing: nil has no such step,
// and neither has a map that other code holds.
func (c *class) replacements() (merges []*merge) {
	if !c.strict() || c.deep || c.pointerHolds() {
		return nil
	}
	var absorbed []*rec
	for _, r := range c.assignments() {
		as, ok := r.fi.parent(r.node).(*ast.AssignStmt)
		if !ok || as.Tok != token.ASSIGN || len(as.Lhs) != 1 || !r.fi.inBlock(as) {
			return nil
		}
		m := &merge{fi: r.fi, stmt: as, call: &rec{fi: r.fi, base: r.base}, fun: "Clear"}
		rhs := ast.Unparen(as.Rhs[0])
		if c.drained(r.fi, as) {
			m = &merge{fi: r.fi, drop: []ast.Stmt{as}}
		} else if !c.makesEmpty(r.fi, rhs) {
			if own := c.byNode[rhs]; own == nil || own.clone != nil || own.kind != useLiteral && own.kind != useFresh || c.nested || c.usedIn(r.fi, rhs) {
				return nil
			}
			m.fun, m.value = "ReplaceAll", as.Rhs[0]
		}
		merges = append(merges, m)
		absorbed = append(absorbed, r, c.byNode[rhs])
	}
	c.absorb(absorbed...)
	c.replaced = merges
	return merges
}

// usedIn reports whether an expression looks at the map: what it gives was computed from
// what others may have changed since.
//
//	s.m = map[string]int{"round": s.m["round"] + 1}
func (c *class) usedIn(fi *fileInfo, e ast.Expr) bool {
	return slices.ContainsFunc(c.recs, func(r *rec) bool {
		return r.fi == fi && r.node != e && e.Pos() <= r.node.Pos() && r.node.End() <= e.End() && r.kind.reads()
	})
}

// drains reports whether p takes the map out of a shared variable, which the next
// statement gives an empty one. In the value form the two are one step, and what is
// taken out is a plain map that nobody else has.
//
//	old := s.m
//	s.m = make(map[K]V)   // both → old := s.m.Drain()
func (c *class) drains(fi *fileInfo, p *ast.AssignStmt, e ast.Expr, pl place) bool {
	if p.Tok != token.DEFINE || len(p.Lhs) != 1 || len(pl.keys) > 0 || c.nested || !c.strict() || !fi.inBlock(p) {
		return false
	}
	next, ok := fi.next(p).(*ast.AssignStmt)
	if !ok || next.Tok != token.ASSIGN || len(next.Lhs) != 1 || !fi.same(next.Lhs[0], e) || !emptyMap(fi, next.Rhs[0]) {
		return false
	}
	defer func() { c.guard = nil }() // it looks at a class that is not complete yet
	return !c.replacedSafely(&rec{fi: fi, kind: useReplace, node: next.Lhs[0], base: next.Lhs[0]})
}

// drained reports whether the statement before an assignment has drained the map.
func (c *class) drained(fi *fileInfo, as *ast.AssignStmt) bool {
	before, ok := fi.previous(as).(*ast.AssignStmt)
	if !ok {
		return false
	}
	own := c.byNode[before.Rhs[0]]
	return own != nil && own.kind == useDrain
}

// makesEmpty is emptyMap, with any size hint that has no effect.
func (c *class) makesEmpty(fi *fileInfo, e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return emptyMap(fi, e) || ok && fi.builtin(call) == "make" && c.simple(fi, call.Args[1])
}

// asValue returns a form as a value rather than a pointer.
func (c *class) asValue(f form) form {
	at, name := c.valueCause(), c.order[0].name
	const remedy = "use --strategy=sharded or --strategy=locked, or create the map once, before it is shared"
	switch {
	case !f.star || f.typ == handleForm.typ || f.ctor == nestedLockedForm.ctor: // whose zero value is something else
		c.refuse("variable-replaced", at, remedy, "%s is created or replaced here while goroutines may use it", name)
	case f.typ == "SyncMap" || f.typ == "Nested":
		for _, m := range c.replaced {
			if m.fun != "Clear" {
				c.refuse("variable-replaced", at, remedy, "%s is replaced here, which a %s cannot do in one step", name, f.typ)
			}
		}
	}
	if len(c.lazy) > 0 {
		c.note("%s becomes a value that is an empty map from the start; the block that created it on demand goes", name)
	}
	if len(c.replaced) > 0 {
		c.note("%s becomes a value; where it was given another map, its entries are replaced in one step", name)
	}
	f.star = false
	return f
}

// isValue reports whether the class takes the value form.
func (c *class) isValue() bool { return len(c.lazy)+len(c.replaced) > 0 }

// valueCause returns the assignment that the value form is for.
func (c *class) valueCause() token.Pos {
	if len(c.lazy) > 0 {
		return c.lazy[0].Pos()
	}
	if c.replaced[0].stmt == nil {
		return c.replaced[0].drop[0].Pos()
	}
	return c.replaced[0].stmt.Pos()
}

// checkValue refuses the value form where the variable itself matters.
func (c *class) checkValue() {
	if !c.isValue() {
		return
	}
	const remedy = "create the map once, before it is shared (in the constructor or declaration), and use clear(m) to empty it"
	m, at := c.order[0], c.valueCause()
	refuse := func(pos token.Pos, format string, args ...any) {
		c.refuse("variable-replaced", pos, remedy, format, args...)
	}
	if len(c.order) > 1 || c.named != nil || m.kind != packageVar && m.kind != structField {
		refuse(at, "%s is created or replaced here while goroutines may use it, and other variables share the map", m.name)
		return
	}
	if m.kind == structField && ast.IsExported(m.name) {
		refuse(at, "%s would have to become a value, which encoders that see the exported field do not take for a map", m.name)
		return
	}
	made := false
	for _, r := range c.recs {
		if r.skip {
			continue
		}
		if r.base != nil && !addressable(r.fi, r.base) {
			c.refuse("holder-copied", r.node.Pos(), remedy, "%s is used here in a copy of the struct that would hold it by value", m.name)
		}
		switch r.kind {
		case useMake, useLiteral:
			if made = true; !c.makesEmpty(r.fi, r.node.(ast.Expr)) {
				refuse(r.node.Pos(), "%s is created here with content, and again at %s while goroutines may use it", m.name, c.ix.pos(at))
			}
		case useReplace, useNil, useFresh: // the map itself matters
			refuse(r.node.Pos(), "%s is assigned or compared here, and created at %s while goroutines may use it", m.name, c.ix.pos(at))
		case useRange:
			if loop := r.node.(*ast.RangeStmt); c.replacedWithin(r.fi, loop.Body) {
				refuse(r.node.Pos(), "the loop goes on over the old map when %s is replaced within it", m.name)
			}
		case useHelper:
			if r.fun != "Clone" && !c.usedUpAtOnce(r) {
				refuse(r.node.Pos(), "the iterator goes on over the old map when %s is replaced", m.name)
			}
		case useDelete, useClear:
			if _, now := r.fi.parent(r.node).(*ast.ExprStmt); !now {
				refuse(r.node.Pos(), "what is deferred here is done to the map that %s holds now, even if it holds another one by then", m.name)
			}
		}
	}
	c.checkHolder(m)
	for _, r := range c.recs { // an untouched value is a nil map for those who see it whole
		if made && !r.skip && (r.kind == useSnapshot || r.kind == useHelper && r.fun == "Clone") {
			refuse(r.node.Pos(), "%s is copied here; as a value it could not be told from a nil map before its first entry", m.name)
		}
	}
}

// addressable reports whether methods with a pointer receiver can be called on x. It is not
// where x is a field of what a call, a map or a channel gives, or of a literal.
func addressable(fi *fileInfo, x ast.Expr) bool {
	isPointer := func(x ast.Expr) bool {
		_, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Pointer)
		return ok
	}
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident, *ast.StarExpr:
		return true
	case *ast.SelectorExpr:
		s := fi.pkg.Info.Selections[x]
		return s == nil || s.Indirect() || addressable(fi, x.X)
	case *ast.IndexExpr:
		switch fi.pkg.Info.TypeOf(x.X).Underlying().(type) {
		case *types.Array:
			return addressable(fi, x.X)
		case *types.Slice:
			return true
		}
		return isPointer(x.X)
	}
	return false
}

// usedUpAtOnce reports whether an iterator over the map is used up where it is made, and
// the variable not replaced meanwhile.
func (c *class) usedUpAtOnce(r *rec) bool {
	return usedUp(r.fi, r.node, func(body *ast.BlockStmt) bool { return !c.replacedWithin(r.fi, body) })
}

// usedUp reports whether an iterator is used up where it is made: by a loop whose body is
// fine, or a function that does nothing else.
func usedUp(fi *fileInfo, iter ast.Node, fine func(body *ast.BlockStmt) bool) bool {
	switch p := fi.parent(iter).(type) {
	case *ast.RangeStmt:
		return fine(p.Body)
	case *ast.CallExpr:
		fn := fi.callee(p)
		return fn != nil && slices.Contains([]string{"slices.Collect", "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc", "maps.Collect"}, fn.FullName())
	}
	return false
}

// checkHolder refuses the value form in a struct that is moved or overwritten as a whole:
// the copy would share the entries and have a lock of its own, and an assignment would
// overwrite the lock. Copies that vet finds are refused later, see copiedLocks.
//
//	*s = session{}
//	all = append(all, session{}); copied := slices.Clone(all)
func (c *class) checkHolder(m *member) {
	if m.kind != structField {
		return
	}
	holds := func(t types.Type) bool { return t != nil && containsField(t, m.pos, 0) }
	for _, mv := range c.movers() {
		if at, how := c.moves(mv.fi, mv.node, holds); at.IsValid() {
			c.refuse("holder-copied", at, "create the map once, before it is shared (in the constructor or declaration)", "the struct that would hold %s by value is %s", m.name, how)
		}
	}
}

// A mover is a node that may move or overwrite some struct.
type mover struct {
	fi   *fileInfo
	node ast.Node
}

// movers returns all of them in the program.
func (c *class) movers() []mover {
	if c.ix.movers == nil {
		c.ix.movers = []mover{}
		some := func(t types.Type) bool {
			if t == nil {
				return false
			}
			switch t.Underlying().(type) {
			case *types.Struct, *types.Array:
				return true
			}
			return false
		}
		for _, fi := range c.ix.list {
			ast.Inspect(fi.syntax, func(n ast.Node) bool {
				if at, _ := c.moves(fi, n, some); at.IsValid() {
					c.ix.movers = append(c.ix.movers, mover{fi, n})
				}
				return true
			})
		}
	}
	return c.ix.movers
}

// moves reports how a node moves or overwrites a struct of which holds reports true.
func (c *class) moves(fi *fileInfo, n ast.Node, holds func(types.Type) bool) (at token.Pos, how string) {
	overwritten := func(list ...ast.Expr) bool {
		return slices.ContainsFunc(list, func(e ast.Expr) bool { return e != nil && !blank(e) && holds(fi.pkg.Info.TypeOf(e)) })
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.ASSIGN && overwritten(n.Lhs...) {
			return n.Pos(), "overwritten as a whole"
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN && overwritten(n.Key, n.Value) {
			return n.Pos(), "overwritten as a whole"
		}
	case *ast.FuncType: // a bare return copies it
		if n.Results != nil {
			for _, f := range n.Results.List {
				if len(f.Names) > 0 && holds(fi.pkg.Info.TypeOf(f.Type)) {
					return f.Pos(), "returned by value"
				}
			}
		}
	case *ast.CallExpr:
		if c.movedBy(fi, n, holds) {
			return n.Pos(), "moved by " + shortExpr(n.Fun)
		}
	}
	return token.NoPos, ""
}

// movedBy reports whether a call may move such structs: builtins and generic functions move
// elements, and what a pointer leads to; so do sort.Slice and reflection.
func (c *class) movedBy(fi *fileInfo, call *ast.CallExpr, holds func(types.Type) bool) bool {
	isList := func(t types.Type) bool {
		list, ok := t.Underlying().(*types.Slice)
		return ok && holds(list.Elem())
	}
	moves := func(t types.Type) bool { return t != nil && (holds(t) || isList(t)) }
	args := func(deep bool) bool {
		return slices.ContainsFunc(call.Args, func(a ast.Expr) bool {
			t := fi.pkg.Info.TypeOf(a)
			return moves(t) || deep && t != nil && moves(deref(t))
		})
	}
	if fi.isConversion(call) { // a slice to an array
		return holds(fi.pkg.Info.TypeOf(call)) && args(false)
	}
	switch fi.builtin(call) {
	case "len", "cap", "make", "new", "delete":
		return false
	case "":
	default:
		return args(false)
	}
	fn := fi.callee(call)
	if fn == nil {
		return args(false)
	}
	if id := calleeIdent(call); id != nil {
		for t := range fi.pkg.Info.Instances[id].TypeArgs.Types() {
			if moves(t) {
				return true
			}
		}
	}
	if recv := fn.Signature().Recv(); recv != nil {
		if named, ok := types.Unalias(deref(recv.Type())).(*types.Named); ok && fn.Pkg() != nil && fn.Pkg().Path() != "sync/atomic" {
			for t := range named.TypeArgs().Types() {
				if moves(t) {
					return true
				}
			}
		}
	}
	if decl, _ := c.ix.funcDecl(fn); decl != nil {
		return false
	}
	return args(fn.Pkg() != nil && fn.Pkg().Path() == "reflect")
}

func calleeIdent(call *ast.CallExpr) *ast.Ident {
	fun := ast.Unparen(call.Fun)
	if idx, ok := fun.(*ast.IndexExpr); ok {
		fun = idx.X
	}
	switch x := fun.(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	}
	return nil
}

// containsField reports whether values of type t contain the field that is declared at pos.
func containsField(t types.Type, pos token.Pos, depth int) bool {
	if depth > 8 {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return containsField(u.Elem(), pos, depth+1)
	case *types.Struct:
		for f := range u.Fields() {
			if f.Pos() == pos || containsField(f.Type(), pos, depth+1) {
				return true
			}
		}
	}
	return false
}

// checkDrains refuses the drains of a class that does not take the value form.
func (c *class) checkDrains() {
	for _, r := range c.recs {
		if r.kind == useDrain {
			c.refuse("variable-replaced", r.node.Pos(), "", "%s is taken out and replaced here while goroutines may use it", shortExpr(r.base))
		}
	}
}

// replacedWithin reports whether a loop's body may replace the variable.
func (c *class) replacedWithin(fi *fileInfo, body *ast.BlockStmt) bool {
	var uses []*rec
	for _, m := range c.replaced {
		for _, s := range append(slices.Clone(m.drop), m.stmt) {
			if s == nil {
				continue
			}
			if m.fi == fi && body.Pos() <= s.Pos() && s.End() <= body.End() {
				return true
			}
			uses = append(uses, &rec{fi: m.fi, node: s})
		}
	}
	return len(uses) > 0 && c.mayReach(fi, body, uses)
}
