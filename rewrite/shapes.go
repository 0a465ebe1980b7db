// This file recognises the compound shapes of flat maps (those of rows are in
// rows.go), each documented at its function.

package rewrite

import (
	"go/ast"
	"go/token"
	"slices"
)

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
//
// or may change it, through a pointer in the key:
//
//	k, ok = next[*p]
func rebinds(as *ast.AssignStmt, load *rec) bool {
	for _, lhs := range as.Lhs {
		id, ok := lhs.(*ast.Ident)
		if !ok {
			return true
		}
		if id.Name != "_" && load.fi.pkg.Info.Defs[id] == nil && slices.ContainsFunc(load.keys, load.fi.reachesOut) {
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
	if key == nil || value == nil || blank(value) || blank(key) || p.Tok != token.DEFINE || len(r.keys) > 0 || c.nested || c.named != nil || !reflexive(c.typ.Key()) || !reflexive(c.typ.Elem()) || !c.strict() {
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
func (c *class) mayWrite(fi *fileInfo, body *ast.BlockStmt, deletes []*rec) bool {
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
	var others []*rec
	for _, r := range c.recs {
		if r.kind.writes() && !slices.Contains(deletes, r) {
			others = append(others, r)
		}
	}
	return c.mayReach(fi, body, others)
}
