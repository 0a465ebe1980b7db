// This file recognises the compound shapes around the rows of nested maps.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

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
		ok = ok && c.seesNothing(w, n)
		_, lit := n.(*ast.FuncLit)
		return ok && !lit
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

// seesNothing reports whether a node, apart from its parts, cannot panic, and calls nothing.
func (c *class) seesNothing(w *rec, n ast.Node) bool {
	fi := w.fi
	switch n := n.(type) {
	case *ast.CallExpr:
		switch fi.builtin(n) {
		case "len", "cap", "append", "new", "min", "max":
			return true
		}
		if !fi.isConversion(n) || len(n.Args) != 1 {
			return false
		}
		_, list := fi.pkg.Info.TypeOf(n.Args[0]).Underlying().(*types.Slice)
		return !list || !arrayLike(fi.pkg.Info.TypeOf(n)) // which may be too short
	case *ast.SelectorExpr:
		if fi.isPackage(n.X) {
			return true
		}
		// What a pointer leads to, if it may be nil; the one to the map has been used.
		sel := fi.pkg.Info.Selections[n]
		root, _ := ast.Unparen(n.X).(*ast.Ident)
		base, _ := ast.Unparen(w.base).(*ast.SelectorExpr)
		used := root != nil && base != nil && fi.same(root, base.X) && len(sel.Index()) == 1
		return sel != nil && sel.Kind() == types.FieldVal && (!sel.Indirect() || used)
	case *ast.UnaryExpr:
		return n.Op != token.ARROW
	case *ast.BinaryExpr:
		return harmless(fi, n.Op, n.Y)
	case *ast.StarExpr, *ast.SliceExpr, *ast.TypeAssertExpr:
		return false
	case *ast.IndexExpr:
		if fi.pkg.Info.Types[n.X].IsType() {
			return true
		}
		m, isMap := fi.pkg.Info.TypeOf(n.X).Underlying().(*types.Map)
		return isMap && hashable(m.Key())
	case *ast.CompositeLit:
		m, isMap := fi.pkg.Info.TypeOf(n).Underlying().(*types.Map)
		return !isMap || hashable(m.Key())
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

// prunedWithin reports whether a loop's row may lose its last entry, and so its place in the map,
// while the loop's body has it: there, or in what the body calls. A function literal may have it later.
//
//	for _, r := range m { s.del("a", "x"); s.set("a", "y"); fmt.Println(len(r)) }
func (c *class) prunedWithin(m *member, body ast.Node) (found bool) {
	var deletes []*rec
	for _, r := range c.recs {
		if r.kind == useDelete && len(r.keys) == 2 {
			deletes = append(deletes, r)
			found = found || r.fi == m.fi && body.Pos() <= r.node.Pos() && r.node.End() <= body.End()
		}
	}
	if len(deletes) == 0 {
		return false
	}
	return found || c.mayReach(m.fi, body, deletes) || slices.ContainsFunc(c.ix.uses[m.pos], func(id *ast.Ident) bool {
		return m.fi.enclosing(id) != m.fi.enclosing(body)
	})
}

// checkPruning decides whether deletes that empty a row remove it: where nothing counts on
// a row that was there to stay. Otherwise a note says what does.
//
//	delete(m[a], b)   // → m.DeletePruning(a, b)
func (c *class) checkPruning() {
	if !c.nested {
		return
	}
	keeps := token.NoPos
	for _, m := range c.order {
		if m.level != row {
			continue
		}
		loop, ok := m.fi.enclosingPath(m.pos)[1].(*ast.RangeStmt)
		if !ok || c.prunedWithin(m, loop.Body) {
			keeps = m.pos // a row that is held would come apart from the next one under its key
		}
	}
	for _, r := range c.recs {
		stores := r.kind == useStore || r.kind == useUpdate
		if stores && (len(r.keys) == 2 && !r.merged || c.rowMember(r)) { // panics without the row, or misses the map
			keeps = r.node.Pos()
		}
	}
	if keeps.IsValid() {
		c.note("%s: empty rows stay: this needs a row that was there before", c.ix.pos(keeps))
		return
	}
	c.prunes = true
}
