// This file says which statements make an element for a memo and do nothing else.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

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

// waits reports whether evaluating an expression waits for another goroutine, which may store meanwhile, or may
// tell somebody that it was evaluated: it has the address of a variable, or a literal of this function, or,
// where all goes on behind the question, anything that comes there as well.
//
//	fresh := false; v, ok := m[k]; if !ok { v = hire(k, &fresh); m[k] = v }; if fresh { go v.run() }
func (m *memo) waits(e ast.Expr) (found bool) {
	tells := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			return m.fi.isLocal(n) && !isParameter(m.fi, n) && !m.ofPart(m.fi.object(n)) && m.fi.object(n) != m.x && !isError(m.fi.object(n).Type()) && !flatValue(m.fi.object(n).Type())
		}
		return false
	}
	ast.Inspect(e, func(n ast.Node) bool {
		_, lit := n.(*ast.FuncLit)
		found = found || lit || n != nil && (waitsForOthers(m.fi, n) || m.found == nil && tells(n))
		if u, ok := n.(*ast.UnaryExpr); ok && u.Op == token.AND {
			x := m.fi.variableOf(u.X)
			found = found || x != nil && !m.ofPart(m.fi.object(x)) && m.fi.object(x) != m.x
		}
		if id, ok := n.(*ast.Ident); ok && m.fi.isLocal(id) && !m.ofPart(m.fi.object(id)) {
			found = found || reports(m.fi.object(id).Type())
		}
		if call, ok := n.(*ast.CallExpr); ok {
			id, ok := ast.Unparen(call.Fun).(*ast.Ident)
			found = found || ok && m.fi.isLocal(id) && !isParameter(m.fi, id) || slices.ContainsFunc(call.Args, func(a ast.Expr) bool {
				id, ok := ast.Unparen(a).(*ast.Ident)
				if !ok || !m.fi.isLocal(id) {
					return false
				}
				_, fn := m.fi.object(id).Type().Underlying().(*types.Signature)
				return fn
			})
		}
		return !found
	})
	return found
}

// reports reports whether who gets a value of type t could have it for no other reason than to tell something by
// it: a pointer to a number, a map, a channel.
func reports(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Basic, *types.Pointer, *types.Map, *types.Slice:
			return true
		}
	case *types.Map, *types.Chan:
		return true
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
