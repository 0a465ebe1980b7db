// This file asks which steps of a function may be put under a lock one by one.

package rewrite

import (
	"go/ast"
	"go/token"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
)

// apart reports whether the spots of a function are no steps of one operation: there is
// one only, all only read, or no two of them are executed in one call.
func apart(fi *fileInfo, spots []*spot) bool {
	if !writes(spots) {
		return true
	}
	for i, a := range spots {
		for _, b := range spots[i+1:] {
			if !exclusive(fi, a.stmt, b.stmt) {
				return false
			}
		}
	}
	return true
}

// exclusive reports whether two statements lie in different branches of one if or switch,
// with no loop around it, and nothing leads from one to the other.
func exclusive(fi *fileInfo, a, b ast.Stmt) bool {
	if fn := fi.enclosing(a); jumps(fn) {
		return false
	}
	on := map[ast.Node]ast.Node{} // ancestor of a → its child on the way
	var child ast.Node = a
	for n := fi.parent(a); n != nil; child, n = n, fi.parent(n) {
		on[n] = child
	}
	child = b
	for n := fi.parent(b); n != nil; child, n = n, fi.parent(n) {
		other, ok := on[n]
		if !ok {
			continue
		}
		branches := holdsClauses(fi, n) && !fallsThrough(n)
		if s, isIf := n.(*ast.IfStmt); isIf {
			branches = other != child && other != s.Init && other != s.Cond && child != s.Init && child != s.Cond
		}
		if !branches || other == child {
			return false
		}
		for ; n != nil; n = fi.parent(n) {
			switch n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				return false
			case *ast.FuncDecl, *ast.FuncLit:
				return true
			}
		}
	}
	return false
}

// fallsThrough reports whether a clause of a switch goes on with the next one.
func fallsThrough(clauses ast.Node) bool {
	return slices.ContainsFunc(stmtsOf(clauses), func(s ast.Stmt) bool {
		c, ok := s.(*ast.CaseClause)
		if !ok || len(c.Body) == 0 {
			return false
		}
		b, ok := c.Body[len(c.Body)-1].(*ast.BranchStmt)
		return ok && b.Tok == token.FALLTHROUGH
	})
}

// inOneCall reports whether a function and a literal in it that it calls itself do the halves of one
// operation: one reads the map, and the other changes it.
//
//	n := func() int { return m[k] }(); m[k] = n + 1
func inOneCall(spots []*spot) *spot {
	for _, a := range spots {
		for _, b := range spots {
			fi := a.fi
			if b.fi != fi || fi.enclosing(a.stmt) == fi.enclosing(b.stmt) || runner(fi, a.stmt) != runner(fi, b.stmt) {
				continue
			}
			reads := slices.ContainsFunc(a.ops, func(op detect.Op) bool { return !op.Mutates() })
			if reads && writes([]*spot{b}) && !exclusive(fi, a.stmt, b.stmt) {
				return b
			}
		}
	}
	return nil
}

// runner returns the function that runs a statement: the one around it, or, for one in a literal
// that is called where it stands, or by the variable it is for, the one around that.
func runner(fi *fileInfo, n ast.Node) ast.Node {
	fn := fi.enclosing(n)
	lit, ok := fn.(*ast.FuncLit)
	if !ok {
		return fn
	}
	x, parent := fi.outer(lit)
	switch p := parent.(type) {
	case *ast.CallExpr:
		if _, started := fi.parent(p).(*ast.GoStmt); p.Fun == x && !started {
			return runner(fi, p)
		}
	case *ast.AssignStmt:
		if i := slices.Index(p.Rhs, x); len(p.Lhs) == len(p.Rhs) && callsIt(fi, p.Lhs[i]) {
			return runner(fi, p)
		}
	}
	return fn
}

// callsIt reports whether the function that sets a variable calls it, too.
func callsIt(fi *fileInfo, x ast.Expr) (found bool) {
	id, ok := x.(*ast.Ident)
	if !ok || fi.enclosing(x) == nil {
		return false
	}
	ast.Inspect(bodyOf(fi.enclosing(x)), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			f, named := ast.Unparen(call.Fun).(*ast.Ident)
			found = found || named && fi.object(f) != nil && fi.object(f) == fi.object(id)
		}
		return !found
	})
	return found
}
