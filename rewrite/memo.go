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

// A memo is a look at a map of which statements depend that make what it has not found.
type memo struct {
	c     *class
	fi    *fileInfo
	load  *rec
	v, ok *ast.Ident // what the load is assigned to
	asks  *ast.IfStmt
	part  []ast.Stmt // of one list, run only when nothing was found
	rest  bool       // they are the rest of a list that is left where something was found
	store *rec
}

// memo recognises
//
//	if v, ok := m[k]; ok {
//		return v
//	}
//	v := make(k)        // calls what is not known
//	m[k] = v            // → v, _ = m.LoadOrStore(k, v)
//	return v
//
// of a map that goroutines share. Two of them may make the element, as before; what comes first
// is kept, and both go on with it. In one goroutine that is the same, as long as nothing between
// the look and the store stores into the map.
//
// It is none where elements are removed elsewhere, as what was made before would be stored after it:
//
//	allowed := decide(user); decisions[user] = allowed   // and in between: deny(user); clear(decisions)
//
// nor where it matters that there are two elements:
//
//	c, err := dial(addr); m[addr] = c; return c, err   // who closes the second connection?
//	w := newWorker();     m[id] = w;   go w.run()      // the worker would run twice
func (c *class) memo(load *rec) *merge {
	if c.nested || c.deep || c.ownLock || len(load.keys) != 1 || !c.strict() || c.loses() || closes(c.typ.Elem()) {
		return nil
	}
	m := &memo{c: c, fi: load.fi, load: load}
	if !m.absent() || !m.stores() || c.guarding().together(load, m.store) || !m.keyStays() {
		return nil
	}
	var others []*rec // that could store what is found absent
	for _, r := range c.recs {
		if r != m.store && r.kind.writes() {
			others = append(others, r)
		}
	}
	for _, s := range m.part {
		if s.Pos() < m.store.node.End() && c.mayReach(m.fi, s, others) {
			return nil
		}
	}
	out := &merge{fi: m.fi, stmt: m.store.node.(ast.Stmt), call: m.store, fun: "LoadOrStore", value: m.store.rhs}
	if v, ok := ast.Unparen(m.store.rhs).(*ast.Ident); ok && m.fi.isLocal(v) {
		again, alone := m.goesOn(v)
		if !alone || again && !types.Identical(m.fi.object(v).Type(), m.elem()) {
			return nil
		}
		if again {
			out.into = v.Name
		}
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
	if !ok || len(as.Lhs) != 2 || rebinds(as, m.load) {
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
	if blank(m.ok) {
		return false
	}
	if is(notIdent(m.asks.Cond)) {
		m.part = m.asks.Body.List
		return true
	}
	if id, _ := ast.Unparen(m.asks.Cond).(*ast.Ident); !is(id) {
		return false
	}
	if other, ok := m.asks.Else.(*ast.BlockStmt); ok {
		m.part = other.List
		return true
	}
	if i := slices.Index(stmtsOf(m.fi.parent(m.asks)), ast.Stmt(m.asks)); i >= 0 && m.asks.Else == nil && terminates(m.asks.Body) {
		m.part, m.rest = stmtsOf(m.fi.parent(m.asks))[i+1:], true
	}
	return m.rest
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
	if m.store == nil || !m.fi.inBlock(m.store.node.(ast.Stmt)) || jumps(m.fi.topLevel(fn)) {
		return false
	}
	for n := m.fi.parent(m.store.node); n.Pos() >= from; n = m.fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.FuncLit:
			return false // the second time round it has been stored
		}
	}
	return true
}

// keyStays reports whether the key of the load is that of the store: constants, and variables and fields
// that the function does not change in between. Whoever changes a field meanwhile, through a pointer, has
// no key that could be looked for.
func (m *memo) keyStays() bool {
	fn := m.fi.enclosing(m.load.node)
	stays := true
	changed := func(is func(ast.Expr) bool) bool {
		return m.fi.assignsTo(bodyOf(fn), func(e ast.Expr) bool { return e.Pos() > m.load.node.Pos() && is(e) })
	}
	ast.Inspect(m.load.keys[0], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr, *ast.IndexExpr:
			stays = false
		case *ast.SelectorExpr:
			f := m.fi.object(n.Sel)
			stays = stays && !changed(func(e ast.Expr) bool {
				sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
				return ok && m.fi.object(sel.Sel) == f
			})
		case *ast.Ident:
			v, ok := m.fi.object(n).(*types.Var)
			if !ok || v.IsField() {
				break
			}
			stays = stays && m.fi.isLocal(n) && fn.Pos() <= v.Pos() && v.Pos() < fn.End() && !changed(func(e ast.Expr) bool {
				x := m.fi.variableOf(e)
				return x != nil && m.fi.object(x) == types.Object(v)
			})
		}
		return stays
	})
	return stays
}

// goesOn reports whether a variable is used behind the store of its value, and whether it makes no
// difference there that it is another goroutine's: it is returned, or what is done with it is done with
// what the load found as well.
func (m *memo) goesOn(v *ast.Ident) (again, alone bool) {
	obj, fn := m.fi.object(v), m.fi.enclosing(m.store.node)
	if obj.Pos() < fn.Pos() || fn.End() <= obj.Pos() {
		return true, false // a variable of the function around this one
	}
	again = slices.ContainsFunc(namedResults(m.fi, m.store.node), func(id *ast.Ident) bool { return m.fi.object(id) == obj })
	alone = true
	shared := m.sharesRest(obj)
	ast.Inspect(fn, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || m.fi.object(id) != obj {
			return alone
		}
		x, parent := m.fi.outer(id)
		if u, ok := parent.(*ast.UnaryExpr); ok && u.Op == token.AND && u.X == x || m.fi.enclosing(id) != fn {
			again, alone = true, false // somebody has the variable itself
			return false
		}
		if id.Pos() >= m.store.node.End() {
			_, returned := parent.(*ast.ReturnStmt)
			again, alone = true, alone && (returned || shared && id.Pos() >= m.asks.End())
		}
		return alone
	})
	return again, alone
}

// sharesRest reports whether a variable holds what the load found as well, and nothing behind the
// question tells the two apart.
func (m *memo) sharesRest(obj types.Object) bool {
	if m.rest || m.v == nil || m.fi.object(m.v) != obj {
		return false
	}
	told := false
	ast.Inspect(m.fi.enclosing(m.load.node), func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		told = told || ok && id.Pos() >= m.asks.End() && m.fi.object(id) == m.fi.object(m.ok)
		return !told
	})
	for _, s := range m.part {
		told = told || m.fi.assignsTo(s, func(e ast.Expr) bool {
			x := m.fi.variableOf(e)
			if x == nil {
				return false
			}
			o := m.fi.object(x)
			return o != nil && o != obj && (o.Pos() < m.asks.Body.Pos() || m.asks.End() <= o.Pos())
		})
	}
	return !told
}

// isLocal reports whether an identifier names a variable of a function.
func (fi *fileInfo) isLocal(id *ast.Ident) bool {
	v, ok := fi.object(id).(*types.Var)
	return ok && !v.IsField() && v.Pkg() != nil && v.Parent() != v.Pkg().Scope()
}

// closes reports whether values of a type have to be given back when they are not needed any more, as their methods
// say.
func closes(t types.Type) bool {
	for _, name := range []string{"Close", "Stop", "Shutdown", "Release", "Cancel", "Free", "Destroy", "Disconnect"} {
		if obj, _, _ := types.LookupFieldOrMethod(t, true, nil, name); obj != nil {
			if _, ok := obj.(*types.Func); ok {
				return true
			}
		}
	}
	return false
}
