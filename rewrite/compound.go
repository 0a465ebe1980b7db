// This file recognises compound operations: several uses that are one step of
// the program, and must become one atomic call, or stay under their lock, or be
// refused.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A merge is a compound shape that becomes one call.
type merge struct {
	fi     *fileInfo
	stmt   ast.Stmt   // replaced or changed
	drop   []ast.Stmt // removed: their effect is in the call
	call   *rec       // describes the call: base, keys
	fun    string
	value  ast.Expr   // the value to store; nil for none
	lazy   bool       // wrap value in a function
	atExpr ast.Node   // the call replaces this expression of stmt; nil: all of stmt
	ok     *ast.Ident // the ok variable of the shape, when a dropped statement read it
	blank  bool       // nothing reads ok any more
}

// next returns the statement after s in its block, previous the one before.
func (fi *fileInfo) next(s ast.Stmt) ast.Stmt     { return fi.sibling(s, 1) }
func (fi *fileInfo) previous(s ast.Stmt) ast.Stmt { return fi.sibling(s, -1) }

func (fi *fileInfo) sibling(s ast.Stmt, d int) ast.Stmt {
	list := stmtsOf(fi.parent(s))
	if i := slices.Index(list, s); i >= 0 && i+d >= 0 && i+d < len(list) {
		return list[i+d]
	}
	return nil
}

func stmtsOf(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	}
	return nil
}

// inBlock reports whether a statement can have another put before it.
func (fi *fileInfo) inBlock(s ast.Stmt) bool {
	return slices.Contains(stmtsOf(fi.parent(s)), s)
}

// notIdent returns x of the condition !x.
func notIdent(e ast.Expr) *ast.Ident {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.NOT {
		id, _ := ast.Unparen(u.X).(*ast.Ident)
		return id
	}
	return nil
}

// onlyIf returns the statements of an if without else (and without init unless
// the caller looks at it).
func onlyIf(s ast.Stmt) (*ast.IfStmt, []ast.Stmt) {
	p, ok := s.(*ast.IfStmt)
	if !ok || p.Else != nil {
		return nil, nil
	}
	return p, p.Body.List
}

// sameElement reports whether two uses denote the same element (or row) of the
// same member.
func sameElement(a, b *rec) bool {
	return a.fi == b.fi && a.fi.same(a.base, b.base) && slices.EqualFunc(a.keys, b.keys, a.fi.same)
}

// compound finds the shapes. It runs once, when the class is complete.
func (c *class) compound() []*merge {
	for _, r := range c.recs {
		c.selfUpdate(r)
	}
	var merges []*merge
	for _, r := range c.recs {
		if r.skip || r.merged {
			continue
		}
		var m *merge
		switch r.kind {
		case useLoad, useLoadRow:
			m = c.getOrCreate(r)
			if m == nil {
				m = c.loadAndDelete(r)
			}
		case useNil:
			if m = c.lazyRow(r); m == nil {
				m = c.lazyVariable(r)
			}
		case useLen:
			m = c.deleteIfEmpty(r)
		case useRow:
			m = c.rowVariable(r)
		case useRange:
			if m = c.clearLoop(r); m == nil {
				c.expiry(r)
			}
		}
		if m != nil {
			merges = append(merges, m)
		}
	}
	c.blankUnread(merges)
	return merges
}

// selfUpdate decides how m[k] = f(m[k]) is done: in one Update, when f may run
// while the map is locked; then the reads on the right are part of it.
func (c *class) selfUpdate(r *rec) {
	s, ok := r.node.(*ast.AssignStmt)
	if r.kind != useUpdate || !ok || s.Tok != token.ASSIGN {
		return
	}
	r.olds = occurrences(r.fi, s.Rhs[0], ast.Unparen(s.Lhs[0]).(*ast.IndexExpr))
	if c.appendsTo(r, s.Rhs[0]) == nil && !c.pureApart(r, s.Rhs[0]) {
		r.apart = true
		return
	}
	for _, old := range r.olds {
		if own := c.byNode[old]; own != nil {
			own.skip = true
		}
	}
}

// appendsTo returns the appended operands of m[k] = append(m[k], x…), which are
// evaluated first when they are not simple.
func (c *class) appendsTo(r *rec, rhs ast.Expr) []ast.Expr {
	call, ok := ast.Unparen(rhs).(*ast.CallExpr)
	if !ok || r.fi.builtin(call) != "append" || len(r.olds) != 1 || ast.Unparen(call.Args[0]) != r.olds[0] || len(call.Args) < 2 {
		return nil
	}
	return call.Args[1:]
}

// pureApart reports whether e may run in a callback, apart from its reads of the
// element itself, which become the callback's parameter.
func (c *class) pureApart(r *rec, e ast.Expr) bool {
	isOld := func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		return ok && slices.Contains(r.olds, x)
	}
	for _, x := range c.recs {
		if x.fi == r.fi && e.Pos() <= x.node.Pos() && x.node.End() <= e.End() && !isOld(x.node) {
			return false // another use of the map
		}
	}
	quiet := true
	ast.Inspect(e, func(n ast.Node) bool {
		if isOld(n) {
			return false
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			quiet = quiet && c.quietCall(r.fi, n, 3)
		case *ast.UnaryExpr:
			quiet = quiet && n.Op != token.ARROW
		case *ast.FuncLit:
			quiet = false
		case *ast.IndexExpr:
			quiet = quiet && !r.fi.isMap(n.X)
		}
		return quiet
	})
	return quiet
}

// recOf returns the record of the single use that a statement is, if any.
func (c *class) recOf(s ast.Stmt, kinds ...useKind) *rec {
	var n ast.Node = s
	if x, ok := s.(*ast.ExprStmt); ok {
		n = x.X
	}
	if r := c.byNode[n]; r != nil && slices.Contains(kinds, r.kind) && !r.skip && !r.merged {
		return r
	}
	return nil
}

// getOrCreate recognises
//
//	if _, ok := m[k]; !ok { m[k] = x }
//	v, ok := m[k]; if !ok { v = x; m[k] = v }
//
// and the same with a row in the place of an element.
func (c *class) getOrCreate(load *rec) *merge {
	fi := load.fi
	as, ok := fi.parent(load.node).(*ast.AssignStmt)
	if !ok || as.Tok != token.DEFINE {
		return nil
	}
	okID, _ := as.Lhs[1].(*ast.Ident)
	v, _ := as.Lhs[0].(*ast.Ident)
	if okID == nil || v == nil || rebinds(as, load) || len(load.keys) == 2 && !c.rowEnsured(load) {
		return nil
	}
	if p, ok := fi.parent(as).(*ast.IfStmt); ok && p.Init == ast.Stmt(as) {
		_, body := onlyIf(p)
		if id := notIdent(p.Cond); id == nil || fi.object(id) != fi.object(okID) || len(body) != 1 || v.Name != "_" {
			return nil
		}
		if load.kind == useLoadRow {
			return c.ensureRow(p, load, body[0])
		}
		store := c.recOf(body[0], useStore)
		if store == nil || !sameElement(load, store) || mentionsVar(fi, store.rhs, okID) || !fi.inBlock(p) {
			return nil
		}
		return c.storeOnce(p, load, store)
	}
	p, body := onlyIf(fi.next(as))
	if p == nil || p.Init != nil || len(body) != 2 || !readOutside(fi, v, p) {
		return nil
	}
	if id := notIdent(p.Cond); id == nil || fi.object(id) != fi.object(okID) {
		return nil
	}
	first, ok := body[0].(*ast.AssignStmt)
	if !ok || first.Tok != token.ASSIGN || len(first.Lhs) != 1 || len(first.Rhs) != 1 {
		return nil
	}
	if mentionsVar(fi, first.Rhs[0], v) || mentionsVar(fi, first.Rhs[0], okID) {
		return nil // there it is what the load gave; in its place it would be another variable
	}
	if id, ok := first.Lhs[0].(*ast.Ident); !ok || fi.object(id) != fi.object(v) {
		return nil
	}
	store := c.recOf(body[1], useStore, useStoreRow)
	if store == nil || !sameElement(load, store) {
		return nil
	}
	if id, ok := ast.Unparen(store.rhs).(*ast.Ident); !ok || fi.object(id) != fi.object(v) {
		return nil
	}
	if load.kind == useLoadRow {
		m := &merge{fi: fi, stmt: as, atExpr: load.node, drop: []ast.Stmt{p}, call: load, fun: "LoadOrCreateRow"}
		m.ok = okID
		c.absorb(load, store, c.byNode[first.Lhs[0]])
		return m
	}
	if !c.quiet(fi, first.Rhs[0], 3) {
		return nil
	}
	m := &merge{fi: fi, stmt: as, atExpr: load.node, drop: []ast.Stmt{p}, call: load, fun: "LoadOrCompute", value: first.Rhs[0], lazy: true}
	m.ok = okID
	c.absorb(load, store)
	return m
}

// rebinds reports whether the assignment changes the element that it reads: then
// m[k] after it is another one.
//
//	k, ok = next[k]
//	delete(next, k)
func rebinds(as *ast.AssignStmt, load *rec) bool {
	for _, lhs := range as.Lhs {
		id, ok := lhs.(*ast.Ident)
		if !ok {
			return true
		}
		for _, e := range append([]ast.Expr{load.base}, load.keys...) {
			if mentionsVar(load.fi, e, id) {
				return true
			}
		}
	}
	return false
}

// mentionsVar reports whether e mentions the variable that id names.
func mentionsVar(fi *fileInfo, e ast.Node, id *ast.Ident) (found bool) {
	obj := fi.object(id)
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok && obj != nil && fi.object(x) == obj {
			found = true
		}
		return !found
	})
	return found
}

// readOutside reports whether v is a new variable that is read outside of the
// statement s, which goes away: otherwise v would be unused, or declared by nobody.
func readOutside(fi *fileInfo, v *ast.Ident, s ast.Stmt) (read bool) {
	obj := fi.pkg.Info.Defs[v]
	if obj == nil {
		return false
	}
	ast.Inspect(fi.enclosing(v), func(n ast.Node) bool {
		if as, ok := n.(*ast.AssignStmt); ok && as.Tok == token.ASSIGN {
			for _, rhs := range as.Rhs {
				read = read || n != s && mentionsVar(fi, rhs, v)
			}
			for _, lhs := range as.Lhs {
				if id, ok := lhs.(*ast.Ident); !ok || fi.object(id) != obj {
					read = read || mentionsVar(fi, lhs, v)
				}
			}
			return false
		}
		if id, ok := n.(*ast.Ident); ok && id != v && fi.object(id) == obj {
			read = true
		}
		return n != ast.Node(s)
	})
	return read
}

// blankUnread finds the ok variables that only dropped statements read, and marks
// their places to be blanked. It looks at all merges at once: one variable may
// serve several.
func (c *class) blankUnread(merges []*merge) {
	dropped := map[ast.Node]bool{}
	places := map[*ast.Ident]bool{}
	for _, m := range merges {
		for _, s := range m.drop {
			dropped[s] = true
		}
		if m.ok != nil {
			places[m.ok] = true
		}
	}
	for _, m := range merges {
		if m.ok == nil {
			continue
		}
		obj := m.fi.object(m.ok)
		elsewhere := false
		ast.Inspect(m.fi.enclosing(m.ok), func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && m.fi.object(id) == obj && !places[id] {
				elsewhere = true
			}
			return !dropped[n]
		})
		m.blank = !elsewhere
	}
}

func (c *class) absorb(recs ...*rec) {
	for _, r := range recs {
		if r != nil {
			r.skip, r.merged = true, true
		}
	}
}

// storeOnce makes `if absent { m[k] = x }` one LoadOrStore or LoadOrCompute.
func (c *class) storeOnce(p *ast.IfStmt, load, store *rec) *merge {
	m := &merge{fi: load.fi, stmt: p, call: store, fun: "LoadOrStore", value: store.rhs}
	if !cannotPanic(load.fi, store.rhs) {
		if !c.quiet(load.fi, store.rhs, 3) {
			return nil
		}
		m.fun, m.lazy = "LoadOrCompute", true
	}
	c.absorb(load, store)
	return m
}

// ensureRow recognises the lazy initialisation of a row; what follows decides
// whether it needs a step of its own.
func (c *class) ensureRow(p *ast.IfStmt, check *rec, body ast.Stmt) *merge {
	store := c.recOf(body, useStoreRow)
	if store == nil || !sameElement(check, store) || !emptyMap(check.fi, store.rhs) || !check.fi.inBlock(p) {
		return nil
	}
	c.absorb(check, store)
	if next := c.elementWrite(check.fi.next(p), check); next != nil {
		// if m[a] == nil { m[a] = make(…) }; m[a][b] = v   →   m.Store(a, b, v)
		blind := c.blind(next)
		if blind || c.strict() && !c.within(next) {
			next.fun = map[useKind]string{useStore: "Store", useUpdate: "Update"}[next.kind]
			next.merged = true
		}
		if blind {
			return &merge{fi: check.fi, drop: []ast.Stmt{p}}
		}
	}
	return &merge{fi: check.fi, stmt: p, call: check, fun: "EnsureRow"}
}

// blind reports whether what a write evaluates cannot tell whether the row was made
// before it or with it: it does not look at the map, and does not panic.
func (c *class) blind(w *rec) bool {
	if c.within(w) || !hashable(c.typ.Key()) || !hashable(c.typ.Elem().(*types.Map).Key()) {
		return false
	}
	ok := true
	see := func(n ast.Node) bool {
		if x, isExpr := n.(ast.Expr); isExpr && slices.Contains(w.olds, x) {
			return false
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			switch w.fi.builtin(n) {
			case "len", "cap", "append", "new", "min", "max":
			default:
				ok = ok && w.fi.isConversion(n)
			}
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.BinaryExpr:
			ok = ok && harmless(w.fi, n.Op, n.Y)
		case *ast.StarExpr, *ast.SliceExpr, *ast.TypeAssertExpr:
			ok = false
		case *ast.IndexExpr:
			ok = ok && (w.fi.pkg.Info.Types[n.X].IsType() || w.fi.isMap(n.X))
		case *ast.FuncLit:
			return false
		}
		return ok
	}
	for _, e := range append(slices.Clone(w.keys[1:]), w.rhs) {
		if e != nil {
			ast.Inspect(e, see)
		}
	}
	if s, isAssign := w.node.(*ast.AssignStmt); isAssign && s.Tok != token.ASSIGN {
		ok = ok && harmless(w.fi, updateOp(s.Tok), w.rhs)
	}
	return ok
}

// harmless reports whether an operator does not panic with this right operand.
func harmless(fi *fileInfo, op token.Token, y ast.Expr) bool {
	switch op {
	case token.QUO, token.REM, token.SHL, token.SHR:
		return fi.pkg.Info.Types[y].Value != nil
	case token.EQL, token.NEQ:
		return fi.isNil(y) || hashable(fi.pkg.Info.TypeOf(y))
	}
	return true
}

// updateOp returns the operator of an assignment such as +=.
func updateOp(assign token.Token) token.Token { return assign - token.ADD_ASSIGN + token.ADD }

// hashable reports whether values of t are always comparable without a panic.
func hashable(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Interface: // type parameters, too
		return false
	case *types.Array:
		return hashable(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if !hashable(f.Type()) {
				return false
			}
		}
	}
	return true
}

// within reports whether a write evaluates another use of the map.
func (c *class) within(w *rec) bool {
	return slices.ContainsFunc(c.recs, func(r *rec) bool {
		return r != w && !r.skip && r.fi == w.fi && w.node.Pos() <= r.node.Pos() && r.node.End() <= w.node.End()
	})
}

// rowEnsured reports whether the statement before a use of m[a][b] makes the row m[a]:
// an operation that makes it, too, then does not do what the source would not.
func (c *class) rowEnsured(r *rec) bool {
	var s ast.Stmt
	for n := r.fi.parent(r.node); s == nil && n != nil; n = r.fi.parent(n) {
		if x, ok := n.(ast.Stmt); ok && r.fi.inBlock(x) {
			s = x
		}
	}
	_, body := onlyIf(r.fi.previous(s))
	if len(body) != 1 {
		return false
	}
	made := c.byNode[body[0]]
	return made != nil && made.kind == useStoreRow && made.skip && r.fi.same(made.base, r.base) && r.fi.same(made.keys[0], r.keys[0])
}

// elementWrite returns the store or update of an element of the row, when the
// statement is one.
func (c *class) elementWrite(s ast.Stmt, rowUse *rec) *rec {
	if s == nil {
		return nil
	}
	r := c.recOf(s, useStore, useUpdate)
	if r == nil || len(r.keys) != 2 || !r.fi.same(r.base, rowUse.base) || !r.fi.same(r.keys[0], rowUse.keys[0]) {
		return nil
	}
	return r
}

// lazyRow recognises `if m[a] == nil { m[a] = make(…) }`.
func (c *class) lazyRow(r *rec) *merge {
	if len(r.keys) != 1 || !r.row {
		return nil
	}
	bin := r.node.(*ast.BinaryExpr)
	p, ok := r.fi.parent(bin).(*ast.IfStmt)
	if !ok || p.Cond != ast.Expr(bin) || p.Init != nil || bin.Op != token.EQL {
		return nil
	}
	_, body := onlyIf(p)
	if len(body) != 1 {
		return nil
	}
	m := c.ensureRow(p, r, body[0])
	if m != nil { // the operand's own record goes with the condition
		for _, side := range []ast.Expr{bin.X, bin.Y} {
			if own := c.byNode[ast.Unparen(side)]; own != nil {
				c.absorb(own)
			}
		}
	}
	return m
}

// lazyVariable recognises the lazy creation of a map that goroutines share:
//
//	if s.m == nil { s.m = make(map[K]V) }   // every handler runs this
//
// As a pointer the variable would still be raced, so that the class takes the
// value form, whose zero value is an empty map, and the block goes. settle checks
// that nothing else depends on the variable being nil or assigned.
func (c *class) lazyVariable(r *rec) *merge {
	if r.row || len(r.keys) > 0 || !c.strict() {
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

// checkLazy refuses the value form where the variable itself matters.
func (c *class) checkLazy() {
	if len(c.lazy) == 0 {
		return
	}
	const remedy = "create the map once, before it is shared (in the constructor or declaration)"
	m := c.order[0]
	if len(c.order) > 1 || m.kind != packageVar && m.kind != structField {
		c.refuse("variable-replaced", c.lazy[0].Pos(), remedy, "%s is created here while goroutines may use it, and other variables share the map", m.name)
		return
	}
	for _, s := range m.init {
		if s.expr != nil {
			c.refuse("variable-replaced", s.expr.Pos(), remedy, "%s is created here, and again at %s while goroutines may use it", m.name, c.ix.pos(c.lazy[0].Pos()))
		}
	}
	for _, r := range c.recs {
		switch r.kind {
		case useReplace, useNil, useMake, useLiteral, useFresh:
			if !r.skip {
				c.refuse("variable-replaced", r.node.Pos(), remedy, "%s is assigned or compared here, and created at %s while goroutines may use it", m.name, c.ix.pos(c.lazy[0].Pos()))
			}
		}
	}
}

// rowVariable recognises
//
//	row := m[a]; if row == nil { row = make(…); m[a] = row }
func (c *class) rowVariable(r *rec) *merge {
	fi := r.fi
	as, ok := fi.parent(r.node).(*ast.AssignStmt)
	if !ok || as.Tok != token.DEFINE || len(as.Lhs) != 1 {
		return nil
	}
	v, ok := as.Lhs[0].(*ast.Ident)
	if !ok {
		return nil
	}
	p, body := onlyIf(fi.next(as))
	if p == nil || p.Init != nil || len(body) != 2 || !readOutside(fi, v, p) {
		return nil
	}
	bin, ok := ast.Unparen(p.Cond).(*ast.BinaryExpr)
	if !ok || bin.Op != token.EQL {
		return nil
	}
	if id, ok := ast.Unparen(bin.X).(*ast.Ident); !ok || fi.object(id) != fi.object(v) || !fi.isNil(bin.Y) {
		return nil
	}
	first, ok := body[0].(*ast.AssignStmt)
	if !ok || len(first.Lhs) != 1 {
		return nil
	}
	store := c.recOf(body[1], useStoreRow)
	if store == nil || !sameElement(r, store) {
		return nil
	}
	if id, ok := ast.Unparen(store.rhs).(*ast.Ident); !ok || fi.object(id) != fi.object(v) {
		return nil
	}
	c.absorb(r, store, c.byNode[first.Lhs[0]], c.byNode[bin])
	return &merge{fi: fi, stmt: as, atExpr: r.node, drop: []ast.Stmt{p}, call: r, fun: "CreateRow"}
}

// rowGetOrCreate reports whether `m[a] = row` is the last statement of one of
// the get-or-create shapes above, which own it.
func (c *class) rowGetOrCreate(fi *fileInfo, p *ast.AssignStmt, v *ast.Ident, pl place) bool {
	made := c.madeJustBefore(fi, p, v)
	if made == nil {
		return false
	}
	c.record(&rec{fi: fi, kind: useStoreRow, node: p, base: pl.base, keys: pl.keys, rhs: p.Rhs[0], row: true})
	return true
}

// madeJustBefore returns the statement `v = make(…)` before p in an if body of two.
func (c *class) madeJustBefore(fi *fileInfo, p *ast.AssignStmt, v *ast.Ident) *ast.AssignStmt {
	block, ok := fi.parent(p).(*ast.BlockStmt)
	if !ok || len(block.List) != 2 || block.List[1] != ast.Stmt(p) {
		return nil
	}
	if _, ok := fi.parent(block).(*ast.IfStmt); !ok {
		return nil
	}
	first, ok := block.List[0].(*ast.AssignStmt)
	if !ok || first.Tok != token.ASSIGN || len(first.Lhs) != 1 || len(first.Rhs) != 1 || !emptyMap(fi, first.Rhs[0]) {
		return nil
	}
	if id, ok := first.Lhs[0].(*ast.Ident); !ok || fi.object(id) != fi.object(v) {
		return nil
	}
	return first
}

// emptyMap reports whether e makes a new empty map.
func emptyMap(fi *fileInfo, e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		_, ok := x.Type.(*ast.MapType)
		return ok && len(x.Elts) == 0
	case *ast.CallExpr: // a size that is not a constant might have an effect
		return fi.builtin(x) == "make" && (len(x.Args) == 1 || fi.pkg.Info.Types[x.Args[1]].Value != nil)
	}
	return false
}

// loadAndDelete recognises
//
//	if v, ok := m[k]; ok { delete(m, k); … }
//	v, ok := m[k]; delete(m, k)
func (c *class) loadAndDelete(load *rec) *merge {
	fi := load.fi
	as, ok := fi.parent(load.node).(*ast.AssignStmt)
	if !ok || load.kind != useLoad || rebinds(as, load) {
		return nil
	}
	var del *rec
	var at ast.Stmt
	if p, ok := fi.parent(as).(*ast.IfStmt); ok && p.Init == ast.Stmt(as) {
		okID, _ := as.Lhs[1].(*ast.Ident)
		cond, _ := ast.Unparen(p.Cond).(*ast.Ident)
		if okID == nil || cond == nil || fi.object(cond) != fi.object(okID) || len(p.Body.List) == 0 {
			return nil
		}
		at = p.Body.List[0]
	} else {
		at = fi.next(as)
	}
	if at == nil {
		return nil
	}
	if del = c.recOf(at, useDelete); del == nil || !sameElement(load, del) {
		return nil
	}
	if body := stmtsOf(fi.parent(at)); len(body) == 1 && slices.Contains(body, at) && fi.parent(as) != fi.parent(at) {
		// The delete is all there is: keep the shape simple.
		return nil
	}
	c.absorb(del)
	load.fun, load.merged = "LoadAndDelete", true
	return &merge{fi: fi, drop: []ast.Stmt{at}}
}

// deleteIfEmpty recognises `if len(m[a]) == 0 { delete(m, a) }`.
func (c *class) deleteIfEmpty(r *rec) *merge {
	fi := r.fi
	if len(r.keys) != 1 || !r.row {
		return nil
	}
	bin, ok := fi.parent(r.node).(*ast.BinaryExpr)
	if !ok || bin.Op != token.EQL || bin.X != r.node {
		return nil
	}
	if lit, ok := bin.Y.(*ast.BasicLit); !ok || lit.Value != "0" {
		return nil
	}
	s, ok := fi.parent(bin).(*ast.IfStmt)
	if !ok || s.Cond != ast.Expr(bin) || s.Init != nil || !fi.inBlock(s) {
		return nil
	}
	_, body := onlyIf(s)
	if len(body) != 1 {
		return nil
	}
	del := c.recOf(body[0], useDelete)
	if del == nil || del.row || !sameElement(&rec{fi: fi, base: r.base, keys: r.keys}, del) {
		return nil
	}
	c.absorb(r, del)
	return &merge{fi: fi, stmt: s, call: r, fun: "DeleteRowIfEmpty"}
}

// clearLoop recognises `for k := range m { delete(m, k) }`, which is clear(m).
func (c *class) clearLoop(r *rec) *merge {
	p := r.node.(*ast.RangeStmt)
	key, ok := p.Key.(*ast.Ident)
	if !ok || !blank(p.Value) || len(r.keys) > 0 || len(p.Body.List) != 1 || !reflexive(c.typ.Key()) {
		return nil
	}
	del := c.recOf(p.Body.List[0], useDelete)
	if del == nil || len(del.keys) != 1 || !r.fi.same(r.base, del.base) || !r.fi.same(del.keys[0], key) || p.Tok != token.DEFINE {
		return nil
	}
	c.absorb(r, del)
	return &merge{fi: r.fi, stmt: p, call: &rec{fi: r.fi, base: r.base}, fun: "Clear"}
}

// expiry makes the delete of a shared map's entry that a range has examined
// conditional on the entry: another goroutine may have stored a fresh one
// between the examination and the delete.
//
//	for id, s := range sessions {
//		if s.expired() {
//			delete(sessions, id)   // → safemap.CompareAndDelete(sessions, id, s)
//		}
//	}
//
// In one goroutine the two are the same, as long as the loop does not store into
// the map, itself or by what it calls, or assign its variables.
func (c *class) expiry(r *rec) {
	p := r.node.(*ast.RangeStmt)
	key, _ := p.Key.(*ast.Ident)
	value, _ := p.Value.(*ast.Ident)
	if key == nil || value == nil || blank(value) || blank(key) || p.Tok != token.DEFINE || len(r.keys) > 0 || c.nested || !reflexive(c.typ.Key()) || !reflexive(c.typ.Elem()) || !c.strict() {
		return
	}
	var deletes []*rec
	for _, w := range c.recs {
		if w.fi != r.fi || w.node.Pos() < p.Body.Pos() || w.node.End() > p.Body.End() || !w.kind.writes() {
			continue
		}
		if w.kind != useDelete || len(w.keys) != 1 || !r.fi.same(w.base, r.base) || !r.fi.same(w.keys[0], key) || w.merged {
			return
		}
		deletes = append(deletes, w)
	}
	if len(deletes) == 0 || assigns(r.fi, p.Body, key) || assigns(r.fi, p.Body, value) || c.mayWrite(r.fi, p.Body, deletes) {
		return
	}
	for _, w := range deletes {
		w.fun, w.value, w.merged = "CompareAndDelete", value.Name, true
	}
	c.note("%s: the entry is deleted only if it is still the one that was examined", c.ix.pos(deletes[0].node.Pos()))
}

// mayWrite reports whether a loop's body may write the map in another way than by its
// own deletes: in a function that it calls, or later.
func (c *class) mayWrite(fi *fileInfo, body *ast.BlockStmt, deletes []*rec) (found bool) {
	for _, w := range deletes {
		switch fi.parent(w.node).(type) {
		case *ast.ExprStmt:
		default: // defer, go
			return true
		}
		if fi.enclosing(w.node) != fi.enclosing(body) {
			return true
		}
	}
	_, callers := c.ix.callGraph()
	writers := map[*ast.FuncDecl]bool{}
	methods := map[string]bool{}
	var add func(decl *ast.FuncDecl)
	add = func(decl *ast.FuncDecl) {
		if decl == nil || writers[decl] {
			return
		}
		writers[decl] = true
		if decl.Recv != nil {
			methods[decl.Name.Name] = true
		}
		for _, caller := range callers[decl] {
			add(caller)
		}
	}
	for _, r := range c.recs {
		if r.kind.writes() && !slices.Contains(deletes, r) {
			add(r.fi.topLevel(r.node))
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || fi.isConversion(call) || fi.builtin(call) != "" {
			return !found
		}
		fn := fi.callee(call)
		decl, _ := c.ix.funcDecl(fn)
		switch {
		case fn == nil: // a function value
			found = true
		case decl != nil:
			found = found || writers[decl]
		case fn.Signature().Recv() != nil:
			found = found || types.IsInterface(fn.Signature().Recv().Type()) && methods[fn.Name()]
		}
		return !found
	})
	return found
}

// reflexive reports whether x == x holds, without panicking, for every value of t.
func reflexive(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) == 0
	case *types.Pointer, *types.Chan:
		return true
	case *types.Array:
		return reflexive(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if !reflexive(f.Type()) {
				return false
			}
		}
		return true
	}
	return false
}

// assigns reports whether the variable of id is assigned, or its address taken, in n.
func assigns(fi *fileInfo, n ast.Node, id *ast.Ident) (found bool) {
	is := func(e ast.Expr) bool {
		x, ok := ast.Unparen(e).(*ast.Ident)
		return ok && fi.object(x) == fi.object(id)
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			found = found || slices.ContainsFunc(n.Lhs, is)
		case *ast.IncDecStmt:
			found = found || is(n.X)
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && is(n.X)
		case *ast.Ident: // hidden by another variable of its name
			if n.Name == id.Name && fi.pkg.Info.Defs[n] != nil {
				found = true
			}
		}
		return !found
	})
	return found
}

// cannotPanic reports whether evaluating e has no effect at all, so that it may
// be evaluated although the source would not have.
func cannotPanic(fi *fileInfo, e ast.Expr) bool {
	if tv := fi.pkg.Info.Types[e]; tv.Value != nil || tv.IsNil() {
		return true
	}
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident, *ast.BasicLit:
		return true
	case *ast.CompositeLit:
		if _, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Struct); !ok && len(x.Elts) > 0 {
			return false
		}
		for _, elt := range x.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				elt = kv.Value
			}
			if !cannotPanic(fi, elt) {
				return false
			}
		}
		return len(x.Elts) == 0 // anything larger is worth making only when needed
	}
	return false
}

// isMap reports whether e is a map. Another map may be migrated as well, so that
// reading it takes a lock: inside a callback that would be a lock under a lock,
// and two maps updated from each other a deadlock.
//
//	a[k] += b[k]     // in one goroutine
//	b[k] += a[k]     // in another
func (fi *fileInfo) isMap(e ast.Expr) bool {
	t := fi.pkg.Info.TypeOf(e)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

func (fi *fileInfo) lensMap(call *ast.CallExpr) bool {
	return fi.builtin(call) == "len" && fi.isMap(call.Args[0])
}

// simple reports whether e may be evaluated inside a callback, later than the
// source does but before anything else happens: no calls, no receives, no maps
// that other code may change meanwhile.
func (c *class) simple(fi *fileInfo, e ast.Expr) bool {
	if fi.pkg.Info.Types[e].Value != nil {
		return true
	}
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if b := fi.builtin(n); !fi.isConversion(n) && b != "len" && b != "cap" && b != "min" && b != "max" || fi.lensMap(n) {
				ok = false
			}
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.FuncLit:
			ok = false
		case *ast.IndexExpr:
			ok = ok && !fi.isMap(n.X)
		case *ast.Ident, *ast.SelectorExpr:
			if m := c.memberOf(fi, n.(ast.Expr)); m != nil {
				ok = false
			}
		}
		return ok
	})
	return ok
}

// quietPackages have no effects, locks or blocking that a callback under a
// shard lock could meet.
var quietPackages = map[string]bool{
	"errors": true, "strings": true, "strconv": true, "math": true, "unicode": true, "bytes": true,
	"unicode/utf8": true, "path": true, "path/filepath": true, "math/bits": true,
}

// quiet reports whether evaluating e inside a callback that holds a shard lock
// is safe: it cannot block, cannot reach a member of the class, and has no
// effect beyond its value. Calls are followed into first-party functions, depth
// levels deep.
func (c *class) quiet(fi *fileInfo, e ast.Node, depth int) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			ok = ok && c.quietCall(fi, n, depth)
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.FuncLit: // making a closure is quiet; calling it is a call
			return false
		case *ast.LabeledStmt: // a loop, if anything
			ok = false
		case *ast.GoStmt, *ast.DeferStmt, *ast.SendStmt, *ast.SelectStmt, *ast.ForStmt, *ast.RangeStmt, *ast.IncDecStmt:
			ok = false
		case *ast.IndexExpr:
			ok = ok && !fi.isMap(n.X)
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				if _, local := ast.Unparen(lhs).(*ast.Ident); !local || n.Tok != token.DEFINE {
					ok = false
				}
			}
		case *ast.Ident, *ast.SelectorExpr:
			if m := c.memberOf(fi, n.(ast.Expr)); m != nil && (m.kind == packageVar || m.kind == structField) {
				if kv, key := fi.parent(n).(*ast.KeyValueExpr); !key || kv.Key != n {
					ok = false
				}
			}
		}
		return ok
	})
	return ok
}

func (c *class) quietCall(fi *fileInfo, call *ast.CallExpr, depth int) bool {
	if fi.isConversion(call) {
		return true
	}
	if fi.lensMap(call) {
		return false
	}
	switch fi.builtin(call) {
	case "make", "new", "len", "cap", "append", "min", "max", "complex", "real", "imag":
		return true
	case "":
	default:
		return false
	}
	fn := fi.callee(call)
	if fn == nil {
		return false
	}
	if decl, home := c.ix.funcDecl(fn); decl != nil {
		return depth > 0 && decl.Body != nil && c.quiet(home, decl.Body, depth-1)
	}
	if fn.Pkg() == nil || fn.Signature().Recv() != nil {
		return false
	}
	if fn.FullName() == "time.Now" {
		return true
	}
	return quietPackages[fn.Pkg().Path()] && !takesCode(fn) && !looksAtDisk[fn.FullName()]
}

// looksAtDisk are the functions of quietPackages that are not quiet.
var looksAtDisk = map[string]bool{"path/filepath.Abs": true, "path/filepath.EvalSymlinks": true, "path/filepath.Glob": true}

// takesCode reports whether a function has a parameter through which it may call code
// that is not its own: a function, or a value with methods. That code may come back.
//
//	m[k] = strings.Map(s.translate, m[k])   // translate reads m
func takesCode(fn *types.Func) bool {
	for v := range fn.Signature().Params().Variables() {
		t := v.Type().Underlying()
		if list, ok := t.(*types.Slice); ok {
			t = list.Elem().Underlying()
		}
		switch t.(type) {
		case *types.Signature, *types.Interface:
			return true
		}
	}
	return false
}

// checkAtomicity refuses what would be several steps of a map that goroutines
// share without one lock: a read whose answer a later write of the same
// function may depend on.
//
//	if len(m) < limit { m[k] = v }     // two steps: another goroutine may store between them
//
// Under an existing lock the steps stay one, because the lock stays; a map that
// is not shared has nobody to interleave with.
func (c *class) checkAtomicity() {
	type span struct{ reads, writes []*rec }
	spans := map[ast.Node]*span{}
	var order []ast.Node
	for _, r := range c.recs {
		if r.skip || r.merged {
			continue
		}
		fn := r.fi.enclosing(r.node)
		if fn == nil {
			continue
		}
		s := spans[fn]
		if s == nil {
			s = &span{}
			spans[fn] = s
			order = append(order, fn)
		}
		if r.kind.reads() || r.kind == useNil && r.row {
			s.reads = append(s.reads, r)
		}
		if r.kind.writes() && r.kind != useReplace {
			s.writes = append(s.writes, r)
		}
	}
	slices.SortFunc(order, func(a, b ast.Node) int { return int(a.Pos() - b.Pos()) })
	for _, fn := range order {
		for _, w := range spans[fn].writes {
			for _, r := range spans[fn].reads {
				inside := !w.apart && w.node.Pos() <= r.node.Pos() && r.node.End() <= w.node.End()
				if r.node != w.node && (r.node.Pos() < w.node.Pos() || inside || commonLoop(r, w)) {
					c.refuse("two-steps", w.node.Pos(),
						"take one lock around both steps, or write them as one operation (get-or-create, LoadAndDelete, a counter)",
						"the write here and the read at %s are two steps: another goroutine can change the map between them", c.ix.pos(r.node.Pos()))
					break
				}
			}
		}
	}
}

func commonLoop(a, b *rec) bool {
	if a.fi != b.fi {
		return false
	}
	for n := a.fi.parent(a.node); n != nil; n = a.fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if n.Pos() <= b.node.Pos() && b.node.End() <= n.End() {
				return true
			}
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}
