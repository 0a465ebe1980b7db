// This file recognises the memo: an element that is made, by code that may not run while the
// map is locked, where a look at the map has not found it.

package rewrite

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/plans"
)

// A memo is a look at a map, and statements that make what it has not found and store it.
type memo struct {
	c     *class
	fi    *fileInfo
	load  *rec
	v, ok *ast.Ident // what the load is assigned to
	asks  *ast.IfStmt
	part  []ast.Stmt // of one list, run only when nothing was found
	found []ast.Stmt // run only when something was, and leaving; nil where all goes on behind the question
	store *rec
	x     types.Object          // the variable that is stored, nil if it is another expression
	made  map[types.Object]bool // the variables of the part that what is stored is made of
	left  bool                  // the part leaves behind the store, as found does
}

// memo recognises
//
//	if v, ok := m[k]; ok {
//		return v
//	}
//	v := find(k)        // calls what is not known
//	m[k] = v            // → v, _ = m.LoadOrStore(k, v)
//	return v
//
// of a map that goroutines share. Two of them may make the element, as before; what comes first
// is kept, and both go on with it: as they would if they had found it, and nobody can tell that it was made
// twice. So the statements only make the element, and go on afterwards as the ones that have found it:
//
//	w := hire(id); m[id] = w; return w, true    // found: return w, false
//	if !paid { charge(user); m[user] = true }   // the other one has charged, too
//
// In one goroutine all is as before if map and key are the same at the look and the store, and nothing in between
// stores into the map; what looks at it there might as well have seen the element of the other goroutine.
//
// It is none where elements are removed elsewhere, as what was made before would be stored after it:
//
//	allowed := decide(user); decisions[user] = allowed   // and in between: deny(user); clear(decisions)
//
// nor where an element is more than data, as the one that comes too late would be left open, or waited for:
//
//	c, err := dial(addr); m[addr] = c; return c, err     // who closes the second connection?
func (c *class) memo(load *rec) *merge {
	if c.nested || c.deep || c.ownLock || len(load.keys) != 1 || !c.strict() || c.loses() {
		return nil
	}
	m := &memo{c: c, fi: load.fi, load: load}
	if !m.absent() || !m.stores() || c.guarding().together(load, m.store) || !c.onlyData() {
		return nil
	}
	decl := m.fi.topLevel(load.node)
	if !m.fi.keeps(load.keys[0], decl) || !m.baseStays(decl) || !m.makes(m.part) || !m.sameEnd() || !m.alone() {
		return nil
	}
	out := &merge{fi: m.fi, stmt: m.store.node.(ast.Stmt), call: m.store, fun: "LoadOrStore", value: m.store.rhs}
	if m.x != nil && !m.isLast(m.x) {
		if !types.Identical(m.x.Type(), m.elem()) || m.lent() || !m.isFound() {
			return nil
		}
		out.into = m.x.Name()
	}
	c.absorb(m.store)
	if c.memoised == nil {
		c.memoised = &plans.Refusal{Code: "two-steps", Class: plans.Unsafe, Pos: c.ix.pos(m.store.node.Pos()),
			Message: fmt.Sprintf("what the look at %s does not find could be made twice", c.ix.pos(m.load.node.Pos()))}
	}
	c.note("%s: where two goroutines find nothing and make the element, the one that is stored first is kept", c.ix.pos(m.store.node.Pos()))
	return out
}

// elem returns the type of the map's elements, as the function at hand names its parameters.
func (m *memo) elem() types.Type {
	if t, ok := m.fi.pkg.Info.TypeOf(m.load.base).Underlying().(*types.Map); ok {
		return t.Elem()
	}
	return m.c.typ.Elem()
}

// absent finds the statements that run only when the load has found nothing.
func (m *memo) absent() bool {
	as, ok := m.fi.parent(m.load.node).(*ast.AssignStmt)
	if !ok || len(as.Lhs) != 2 || as.Tok != token.DEFINE || rebinds(as, m.load) {
		return false
	}
	m.v, _ = as.Lhs[0].(*ast.Ident)
	m.ok, _ = as.Lhs[1].(*ast.Ident)
	m.asks, _ = m.fi.parent(as).(*ast.IfStmt)
	if m.asks == nil || m.asks.Init != ast.Stmt(as) {
		if m.asks, _ = m.fi.next(as).(*ast.IfStmt); m.asks == nil || m.asks.Init != nil {
			return false
		}
	}
	is := func(id *ast.Ident) bool { return id != nil && m.fi.object(id) == m.fi.object(m.ok) }
	if m.ok == nil || blank(m.ok) || m.fi.pkg.Info.Defs[m.ok] == nil {
		return false
	}
	if is(notIdent(m.asks.Cond)) {
		m.part = m.asks.Body.List
		return m.asks.Else == nil && !m.toldLater()
	}
	if id, _ := ast.Unparen(m.asks.Cond).(*ast.Ident); !is(id) || !terminates(m.asks.Body) {
		return false
	}
	m.found = m.asks.Body.List
	if m.asks.Else == nil {
		list := stmtsOf(m.fi.parent(m.asks))
		if i := slices.Index(list, ast.Stmt(m.asks)); i >= 0 {
			m.part = list[i+1:]
		}
	} else if other, ok := m.asks.Else.(*ast.BlockStmt); ok {
		m.part = other.List
	}
	return len(m.part) > 0
}

// toldLater reports whether something behind the question looks at its answer again.
func (m *memo) toldLater() (told bool) {
	ast.Inspect(m.fi.enclosing(m.load.node), func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		told = told || ok && id.Pos() >= m.asks.Body.Pos() && m.fi.object(id) == m.fi.object(m.ok)
		return !told
	})
	return told
}

// stores finds the one store of the element in those statements. The function has no other use of the
// map but behind them, and comes to the store once.
func (m *memo) stores() bool {
	if len(m.part) == 0 {
		return false
	}
	from, to := m.part[0].Pos(), m.part[len(m.part)-1].End()
	fn := m.fi.enclosing(m.load.node)
	for _, r := range m.c.recs {
		if r.fi != m.fi || r == m.load || r.node.Pos() < fn.Pos() || r.node.End() > fn.End() {
			continue
		}
		inside := from <= r.node.Pos() && r.node.End() <= to
		switch {
		case inside && r.kind == useStore && m.store == nil && !r.skip && !r.merged && sameElement(m.load, r):
			m.store = r
		case inside, r.node.Pos() < from:
			return false
		}
	}
	if m.store == nil || m.fi.enclosing(m.store.node) != fn || jumps(m.fi.topLevel(fn)) {
		return false
	}
	if id, ok := ast.Unparen(m.store.rhs).(*ast.Ident); ok && m.fi.isLocal(id) {
		m.x = m.fi.object(id)
	}
	m.madeOf(m.store.rhs)
	return true
}

// madeOf notes the variables of the part that an expression is made of, and those that they are made of.
func (m *memo) madeOf(e ast.Expr) {
	m.made = map[types.Object]bool{}
	if m.x != nil {
		m.made[m.x] = true
	}
	note := func(e ast.Node) {
		ast.Inspect(e, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && m.ofPart(m.fi.object(id)) {
				m.made[m.fi.object(id)] = true
			}
			return true
		})
	}
	note(e)
	for before := -1; before < len(m.made); {
		before = len(m.made)
		for _, s := range m.part {
			ast.Inspect(s, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					for _, rhs := range n.Rhs {
						if m.makesOne(n.Lhs) {
							note(rhs)
						}
					}
				case *ast.RangeStmt:
					if m.makesOne([]ast.Expr{n.Key, n.Value}) {
						note(n.X)
					}
				}
				return true
			})
		}
	}
}

// ofPart reports whether a variable is declared in the part.
func (m *memo) ofPart(obj types.Object) bool {
	_, is := obj.(*types.Var)
	return is && m.part[0].Pos() <= obj.Pos() && obj.Pos() < m.part[len(m.part)-1].End()
}

// makesOne reports whether one of some operands that are assigned is a variable, or a field of one, that what
// is stored is made of.
func (m *memo) makesOne(lhs []ast.Expr) bool {
	return slices.ContainsFunc(lhs, func(e ast.Expr) bool {
		if e == nil {
			return false
		}
		if sel, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
			e = sel.X
		}
		id, ok := ast.Unparen(e).(*ast.Ident)
		return ok && m.made[m.fi.object(id)]
	})
}

// baseStays reports whether the map of the load is that of the store: a variable, or a field of what one
// holds, and neither is assigned, nor is what the field belongs to.
func (m *memo) baseStays(decl *ast.FuncDecl) bool {
	x := ast.Unparen(m.load.base)
	if sel, ok := x.(*ast.SelectorExpr); ok && !m.fi.isPackage(sel.X) {
		f, _ := m.fi.object(sel.Sel).(*types.Var)
		if s := m.fi.pkg.Info.Selections[sel]; f == nil || s == nil || len(s.Index()) > 1 || m.c.ix.overwritten(f) {
			return false
		}
		x = ast.Unparen(sel.X)
	}
	if sel, ok := x.(*ast.SelectorExpr); ok && m.fi.isPackage(sel.X) {
		x = sel.Sel
	}
	id, ok := x.(*ast.Ident)
	if !ok || decl == nil {
		return false
	}
	v, ok := m.fi.object(id).(*types.Var)
	switch {
	case !ok:
		return false
	case m.fi.isLocal(id):
		return !m.fi.reassigned(v, decl)
	case ast.Expr(id) == ast.Unparen(m.load.base):
		return true // the map itself, see loses
	}
	return !slices.ContainsFunc(m.c.ix.usesOf(v), func(use *ast.Ident) bool {
		fi := m.c.ix.fileAt(use.Pos())
		e, p := fi.outer(fi.spelled(use))
		sel, ok := p.(*ast.SelectorExpr)
		return !ok || sel.X != e
	})
}

// alone reports whether nothing that is called in the part comes to the map, waits for what stores into it, or
// starts goroutines, which may be for the element.
//
// A function value is taken not to come back for the same key, unless the source shows that it does: what
// makes an element by asking for it has no end, or one of its own.
func (m *memo) alone() bool {
	var stores []*rec
	for _, r := range m.c.recs {
		if r != m.store && r.kind.writes() {
			stores = append(stores, r)
		}
	}
	stored, used := m.c.reaching(stores), m.c.reaching(m.c.recs)
	back := m.c.ix.callersOf([]*ast.FuncDecl{m.fi.topLevel(m.store.node)})
	alone := true
	for _, s := range m.part {
		if s.Pos() >= m.store.node.End() {
			break
		}
		ast.Inspect(s, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !alone || m.fi.isConversion(call) || m.fi.builtin(call) != "" {
				return alone
			}
			fn := m.fi.callee(call)
			unknown := fn == nil || fn.Signature().Recv() != nil && types.IsInterface(fn.Signature().Recv().Type())
			alone = !stored(m.fi, call) && !(len(stores) > 0 && (unknown || m.c.ix.waits(m.fi, call)))
			if fn != nil {
				alone = alone && !used(m.fi, call) && (flatValue(m.elem()) || !m.c.ix.starts(m.fi, call))
				return alone
			}
			for _, h := range m.c.ix.heldFuncs()[m.fi.varOrField(call.Fun)] {
				alone = alone && !back[h.decl] && (h.lit == nil || !m.c.mayReach(m.c.ix.fileAt(h.lit.Pos()), h.lit, m.c.recs))
			}
			return alone
		})
	}
	return alone
}

// lent reports whether somebody has the address of the variable that is stored, and would see it change: a
// literal, a method with a pointer for its receiver.
func (m *memo) lent() (found bool) {
	fn := m.fi.enclosing(m.store.node)
	is := func(e ast.Expr) bool {
		x := m.fi.variableOf(e)
		return x != nil && m.fi.object(x) == m.x
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && is(n.X)
		case *ast.SliceExpr:
			_, array := m.fi.pkg.Info.TypeOf(n.X).Underlying().(*types.Array)
			found = found || array && is(n.X)
		case *ast.SelectorExpr:
			found = found || m.fi.addressed(n) && is(n.X)
		case *ast.Ident:
			found = found || m.fi.object(n) == m.x && m.fi.enclosing(n) != fn && m.fi.enclosing(n) != nil
		}
		return !found
	})
	return found || m.x.Pos() < fn.Pos() || fn.End() <= m.x.Pos()
}

// isFound reports whether the variable that is stored says the same, behind the store, as what the load found:
// it is the load's own, or one of the part, or what leaves says the same of both; and it is no other one in the
// next round of a loop.
func (m *memo) isFound() bool {
	fn := m.fi.enclosing(m.store.node)
	for n := m.fi.parent(m.store.node); n != nil && n != fn; n = m.fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if m.x.Pos() < n.Pos() {
				return false
			}
		}
	}
	return m.left || m.ofPart(m.x) || m.v != nil && m.fi.object(m.v) == m.x
}

// starts reports whether a call of a function of the program may start a goroutine.
func (ix *index) starts(fi *fileInfo, call *ast.CallExpr) bool {
	if ix.starters == nil {
		ix.starters = ix.leadingTo(func(fi *fileInfo, decl *ast.FuncDecl) bool { return fi.startsItself(decl) })
	}
	decl, _ := ix.funcDecl(fi.callee(call))
	return ix.starters[decl] || fi.startsItself(call)
}

// startsItself reports whether code has a go statement, or a call of something that is one.
func (fi *fileInfo) startsItself(n ast.Node) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.CallExpr:
			fn := fi.callee(n)
			found = found || fn != nil && (fn.Name() == "Go" || fn.FullName() == "time.AfterFunc" || fn.FullName() == "context.AfterFunc")
		}
		return !found
	})
	return found
}
