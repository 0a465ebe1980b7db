// This file recognises the memo: an element that is made, by code that may not run while the
// map is locked, where a look at the map has not found it.

package rewrite

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

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
	if c.nested || c.deep || c.ownLock || len(load.keys) != 1 || !c.strict() || c.loses() || !c.onlyData() {
		return nil
	}
	m := &memo{c: c, fi: load.fi, load: load}
	if !m.absent() || !m.stores() || c.guarding().together(load, m.store) {
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
	if blank(m.ok) || m.ok == nil || m.fi.pkg.Info.Defs[m.ok] == nil {
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

// makes reports whether statements do nothing but make the element, up to the store, and leave then, or end.
func (m *memo) makes(list []ast.Stmt) bool {
	for i, s := range list {
		if s.Pos() <= m.store.node.Pos() && m.store.node.End() <= s.End() {
			if ast.Node(s) == m.store.node {
				return !m.waits(m.store.rhs) && m.ends(list[i+1:])
			}
			p, ok := s.(*ast.IfStmt)
			return ok && p.Else == nil && m.step(p.Init) && m.quiet(p.Cond) && m.makes(p.Body.List) && (m.left || m.ends(list[i+1:]))
		}
		if !m.step(s) {
			return false
		}
	}
	return false
}

// step reports whether a statement is nothing but a part of making the element.
func (m *memo) step(s ast.Stmt) bool {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
		return true
	case *ast.DeclStmt:
		ok := true
		ast.Inspect(s, func(n ast.Node) bool {
			if spec, is := n.(*ast.ValueSpec); is {
				for _, v := range spec.Values {
					ok = ok && m.quiet(v)
				}
			}
			return ok
		})
		return ok
	case *ast.AssignStmt:
		for _, lhs := range s.Lhs {
			if !m.own(lhs) {
				return false
			}
		}
		for _, rhs := range s.Rhs {
			if m.waits(rhs) || !m.quiet(rhs) && !m.makesOne(s.Lhs) {
				return false
			}
		}
		return true
	case *ast.IncDecStmt:
		return m.own(s.X)
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && m.fi.prints(call) && m.quietArgs(call)
	case *ast.IfStmt:
		return m.step(s.Init) && m.quiet(s.Cond) && (m.leaves(s.Body) || m.steps(s.Body.List)) && m.step(s.Else)
	case *ast.BlockStmt:
		return m.leaves(s) || m.steps(s.List)
	case *ast.ForStmt:
		return m.step(s.Init) && s.Cond != nil && m.quiet(s.Cond) && m.step(s.Post) && m.steps(s.Body.List)
	case *ast.RangeStmt:
		switch core(m.fi.pkg.Info.TypeOf(s.X)).(type) {
		case *types.Slice, *types.Array, *types.Basic:
			return s.Tok != token.ASSIGN && m.quiet(s.X) && m.steps(s.Body.List)
		}
	}
	return false
}

// leaves reports whether a block is always left, and for somewhere outside the part.
func (m *memo) leaves(b *ast.BlockStmt) bool {
	out := terminates(b)
	ast.Inspect(b, func(n ast.Node) bool {
		if branch, ok := n.(*ast.BranchStmt); ok {
			out = out && branchLeaves(m.fi, branch, m.part)
		}
		return out
	})
	return out
}

func (m *memo) steps(list []ast.Stmt) bool {
	return !slices.ContainsFunc(list, func(s ast.Stmt) bool { return !m.step(s) })
}

// own reports whether an operand that is assigned is a variable of the part, or the one that is stored, or a
// field of that, or an error of which nothing behind the store asks.
func (m *memo) own(e ast.Expr) bool {
	if sel, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
		id, ok := ast.Unparen(sel.X).(*ast.Ident)
		return ok && m.made[m.fi.object(id)]
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && (id.Name == "_" || m.ofPart(m.fi.object(id)) || m.x != nil && m.fi.object(id) == m.x ||
		isError(m.fi.pkg.Info.TypeOf(id)) && m.isLast(m.fi.object(id)))
}

// isLast reports whether a variable is not used behind the store, nor in another round of a loop, nor by a return
// without results.
func (m *memo) isLast(obj types.Object) bool {
	fn, bare := m.fi.enclosing(m.store.node), false
	last := fn.Pos() <= obj.Pos() && obj.Pos() < fn.End()
	for n := m.fi.parent(m.store.node); n != nil && n != fn; n = m.fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			last = last && n.Pos() <= obj.Pos()
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			last = last && (m.fi.object(n) != obj || n.Pos() < m.store.node.End() && m.fi.enclosing(n) == fn || m.fi.pkg.Info.Defs[n] == obj)
		case *ast.ReturnStmt:
			bare = bare || len(n.Results) == 0
		}
		return last
	})
	return last && !(bare && slices.ContainsFunc(namedResults(m.fi, m.store.node), func(id *ast.Ident) bool { return m.fi.object(id) == obj }))
}

// quiet reports whether an expression may be evaluated with no effect.
func (m *memo) quiet(e ast.Expr) bool { return m.c.quiet(m.fi, e, 3) && !m.waits(e) }

// waits reports whether evaluating an expression waits for another goroutine, which may store meanwhile, or, where
// all goes on behind the question, may tell what comes there that it was evaluated: it has the address of a
// variable, or a literal of this function.
//
//	fresh := false; v, ok := m[k]; if !ok { v = hire(k, &fresh); m[k] = v }; if fresh { go v.run() }
func (m *memo) waits(e ast.Expr) (found bool) {
	tells := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			return n.Op == token.AND && m.fi.variableOf(n.X) != nil
		case *ast.Ident:
			return m.fi.isLocal(n) && !isParameter(m.fi, n) && !m.ofPart(m.fi.object(n)) && m.fi.object(n) != m.x && !isError(m.fi.object(n).Type()) && !flatValue(m.fi.object(n).Type())
		}
		return false
	}
	ast.Inspect(e, func(n ast.Node) bool {
		_, lit := n.(*ast.FuncLit)
		found = found || lit || n != nil && (waitsForOthers(m.fi, n) || m.found == nil && tells(n))
		if call, ok := n.(*ast.CallExpr); ok {
			id, ok := ast.Unparen(call.Fun).(*ast.Ident)
			found = found || ok && m.fi.isLocal(id) && !isParameter(m.fi, id)
		}
		return !found
	})
	return found
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// flatValue reports whether who gets a value of type t cannot change anything by it.
func flatValue(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Pointer, *types.Chan, *types.Interface:
		return false
	case *types.Struct:
		for f := range u.Fields() {
			if !flatValue(f.Type()) {
				return false
			}
		}
		return true
	}
	return flatType(t)
}

// isParameter reports whether an identifier names a parameter of a function around it.
func isParameter(fi *fileInfo, id *ast.Ident) bool {
	v, ok := fi.object(id).(*types.Var)
	if !ok {
		return false
	}
	for _, n := range fi.enclosingPath(v.Pos()) {
		switch n.(type) {
		case *ast.Field:
			return true
		case ast.Stmt:
			return false
		}
	}
	return false
}

// ends reports whether statements behind the store only log, or leave as those do that have found the element.
func (m *memo) ends(list []ast.Stmt) bool {
	for _, s := range list {
		if e, ok := s.(*ast.ExprStmt); ok {
			if call, ok := e.X.(*ast.CallExpr); ok && m.fi.prints(call) && m.quietArgs(call) {
				continue
			}
		}
		if m.left = m.leavesAlike(s); !m.left {
			return false
		}
	}
	return true
}

func (m *memo) quietArgs(call *ast.CallExpr) bool {
	return !slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return !m.quiet(a) })
}

// leavesAlike reports whether a statement leaves with the same results as where the element was found.
func (m *memo) leavesAlike(s ast.Stmt) bool {
	if len(m.found) != 1 {
		return false
	}
	switch a := m.found[0].(type) {
	case *ast.ReturnStmt:
		b, ok := s.(*ast.ReturnStmt)
		return ok && slices.EqualFunc(a.Results, b.Results, m.mirrors) && (len(a.Results) > 0 || len(namedResults(m.fi, s)) == 0)
	case *ast.BranchStmt:
		b, ok := s.(*ast.BranchStmt)
		return ok && a.Tok == b.Tok && (a.Label == nil) == (b.Label == nil) && (a.Label == nil || a.Label.Name == b.Label.Name)
	}
	return false
}

// mirrors reports whether an expression says of what was found what another one says of what was stored.
func (m *memo) mirrors(found, stored ast.Expr) bool {
	found, stored = ast.Unparen(found), ast.Unparen(stored)
	if tv := m.fi.pkg.Info.Types[found]; tv.Value != nil || tv.IsNil() {
		other := m.fi.pkg.Info.Types[stored]
		return tv.IsNil() && other.IsNil() || tv.Value != nil && other.Value != nil && tv.Value.ExactString() == other.Value.ExactString()
	}
	switch a := found.(type) {
	case *ast.Ident:
		b, ok := stored.(*ast.Ident)
		if !ok {
			return false
		}
		if m.v != nil && m.fi.object(a) == m.fi.object(m.v) {
			return m.x != nil && m.fi.object(b) == m.x
		}
		_, variable := m.fi.object(a).(*types.Var)
		return m.fi.object(a) == m.fi.object(b) && (!variable || m.fi.keeps(a, m.fi.topLevel(a)))
	case *ast.SelectorExpr:
		b, ok := stored.(*ast.SelectorExpr)
		return ok && m.fi.object(a.Sel) == m.fi.object(b.Sel) && (m.fi.isPackage(a.X) || m.mirrors(a.X, b.X))
	case *ast.CallExpr:
		b, ok := stored.(*ast.CallExpr)
		return ok && m.mirrors(a.Fun, b.Fun) && slices.EqualFunc(a.Args, b.Args, m.mirrors)
	case *ast.StarExpr:
		b, ok := stored.(*ast.StarExpr)
		return ok && m.mirrors(a.X, b.X)
	case *ast.BinaryExpr:
		b, ok := stored.(*ast.BinaryExpr)
		return ok && a.Op == b.Op && m.mirrors(a.X, b.X) && m.mirrors(a.Y, b.Y)
	case *ast.CompositeLit:
		return m.fi.same(found, stored)
	}
	return false
}

// sameEnd reports whether the end of the part, where it does not leave, is that of what has found the element.
func (m *memo) sameEnd() bool {
	if m.found == nil {
		return !m.left // it goes on behind the question
	}
	if m.left {
		return true
	}
	list := stmtsOf(m.fi.parent(m.asks))
	if len(m.found) != 1 || len(list) == 0 || m.asks.Else != nil && m.fi.next(m.asks) != nil {
		return false
	}
	around := m.fi.parent(m.fi.parent(m.asks))
	switch s := m.found[0].(type) {
	case *ast.ReturnStmt:
		return len(s.Results) == 0 && around == m.fi.enclosing(m.asks) && len(namedResults(m.fi, s)) == 0
	case *ast.BranchStmt:
		if s.Tok == token.CONTINUE && s.Label == nil {
			switch around.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				return true
			}
		}
	}
	return false
}

// alone reports whether nothing that is called in the part comes to the map, or waits for what stores into it.
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
				alone = alone && !used(m.fi, call)
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

// isLocal reports whether an identifier names a variable of a function.
func (fi *fileInfo) isLocal(id *ast.Ident) bool {
	v, ok := fi.object(id).(*types.Var)
	return ok && !v.IsField() && v.Pkg() != nil && v.Parent() != v.Pkg().Scope()
}

// onlyData reports whether elements are data, of which one is as good as another that is equal: no channels,
// functions or values of unknown types, and nothing that has to be closed. Of a type parameter that holds if it
// does for all that the module puts in its place.
func (c *class) onlyData() bool { return c.isData(c.typ.Elem(), map[types.Type]bool{}) }

func (c *class) isData(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	if closes(t) {
		return false
	}
	if p, ok := types.Unalias(t).(*types.TypeParam); ok {
		for _, fi := range c.ix.list {
			for _, in := range fi.pkg.Info.Instances {
				if p.Index() < in.TypeArgs.Len() && in.TypeArgs.Len() > 0 {
					if arg := in.TypeArgs.At(p.Index()); c.instantiates(p, in.Type) && !c.isData(arg, seen) {
						return false
					}
				}
			}
		}
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.UnsafePointer
	case *types.Pointer:
		return c.isData(u.Elem(), seen)
	case *types.Slice:
		return c.isData(u.Elem(), seen)
	case *types.Array:
		return c.isData(u.Elem(), seen)
	case *types.Map:
		return c.isData(u.Key(), seen) && c.isData(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if !c.isData(f.Type(), seen) {
				return false
			}
		}
		return true
	}
	return false
}

// instantiates reports whether an instance is one of the generic type or function that a type parameter
// belongs to, or, where that cannot be said, of its package.
func (c *class) instantiates(p *types.TypeParam, instance types.Type) bool {
	n, ok := types.Unalias(instance).(*types.Named)
	return !ok || n.Obj().Pkg() == nil || n.Obj().Pkg() == p.Obj().Pkg()
}

// closes reports whether values of a type have to be given back when they are not needed any more, as the names
// of their methods say.
func closes(t types.Type) bool {
	set := types.NewMethodSet(t)
	if _, ok := t.Underlying().(*types.Interface); !ok {
		set = types.NewMethodSet(types.NewPointer(t))
	}
	for m := range set.Methods() {
		if givesBack[strings.ToLower(m.Obj().Name())] {
			return true
		}
	}
	return false
}

// givesBack are the names, in lower case, of methods that end what a value stands for.
var givesBack = map[string]bool{
	"close": true, "stop": true, "shutdown": true, "release": true, "cancel": true, "free": true, "destroy": true, "disconnect": true,
	"quit": true, "rollback": true, "unlock": true, "kill": true, "terminate": true, "exit": true, "done": true, "wait": true, "leave": true,
	"unsubscribe": true, "dispose": true, "abort": true, "finish": true, "detach": true, "join": true,
}
