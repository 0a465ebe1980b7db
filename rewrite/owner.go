// This file looks at what a lock belongs to: that it is there where the lock is taken, and is the
// same where it is let go of.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// hasOwner reports whether what the lock belongs to is certainly not nil in front of statements,
// or else they would panic anyway. A condition may be about just that, in many words:
//
//	s, ok := reg[k]
//	if ok && s.m[k] > 0 { … }
func (t *taking) hasOwner(fi *fileInfo, list []ast.Stmt, lock *lockExpr) bool {
	if lock.root == nil || len(lock.path) == 0 || len(list) == 0 || t.isThere(lock) {
		return true
	}
	goesBy := func(n ast.Node) bool { return t.goesBy(fi, n, lock) }
	if inTurn(list, goesBy) {
		return true
	}
	if fn := fi.enclosing(list[0]); fn == nil || jumps(fn) {
		return false
	}
	return comesAfter(fi, list[0], goesBy)
}

// isThere reports whether no pointer leads to the lock but a variable that has the address of a
// literal from the start. Nothing else is assigned to it, or the lock would not be stable.
func (t *taking) isThere(lock *lockExpr) bool {
	for _, f := range lock.path[:len(lock.path)-1] {
		if isPointer(f.Type()) {
			return false
		}
	}
	root, ok := lock.root.(*types.Var)
	if !ok || !lock.beside {
		return false
	}
	home := t.ix.fileAt(root.Pos())
	return !isPointer(root.Type()) || home != nil && isAddress(home, valueOf(home, root))
}

// isAddress reports whether x is the address of a new value.
func isAddress(fi *fileInfo, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.UnaryExpr:
		return x.Op == token.AND
	case *ast.CallExpr:
		return fi.builtin(x) == "new"
	}
	return false
}

// goesBy reports whether a node goes to where the lock is, or calls what certainly does.
func (t *taking) goesBy(fi *fileInfo, n ast.Node, lock *lockExpr) bool {
	if call, ok := n.(*ast.CallExpr); ok {
		return t.lifted[call]
	}
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	s := fi.pkg.Info.Selections[sel]
	if s == nil || s.Kind() != types.FieldVal || !lock.beside && s.Obj().Pos() != lock.decl && s.Obj().Pos() != t.ix.at(t.m.Pos) {
		return false
	}
	root, path, ok := steps(fi, sel)
	return ok && root == lock.root && len(path) == len(lock.path) && slices.EqualFunc(path[:len(path)-1], lock.path[:len(path)-1], func(a, b *types.Var) bool { return a.Origin() == b.Origin() })
}

// inTurn reports whether statements, one after the other, come to a node that is looked for,
// before anything can leave them.
func inTurn(list []ast.Stmt, is func(ast.Node) bool) bool {
	for _, s := range list {
		if certainly(s, is) {
			return true
		}
		if exits([]ast.Stmt{s}) {
			return false
		}
	}
	return false
}

// certainly reports whether a node that is looked for is evaluated wherever n is.
func certainly(n ast.Node, is func(ast.Node) bool) (found bool) {
	one := func(list ...ast.Node) bool {
		return slices.ContainsFunc(list, func(n ast.Node) bool { return certainly(n, is) })
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil || found {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit, *ast.SelectStmt:
			return false
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				found = one(n.X)
				return false
			}
		case *ast.BlockStmt:
			found = inTurn(n.List, is)
			return false
		case *ast.IfStmt:
			found = one(headOf(n)...) || n.Else != nil && one(n.Body) && one(n.Else)
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			found = one(headOf(n)...)
			return false
		case *ast.SwitchStmt, *ast.TypeSwitchStmt:
			found = one(headOf(n)...) || inEach(n, is)
			return false
		}
		found = is(n)
		return !found
	})
	return found
}

// inEach reports whether all clauses of a switch come to a node that is looked for, one of which is
// executed.
func inEach(n ast.Node, is func(ast.Node) bool) bool {
	byDefault, all := false, true
	for _, s := range clausesOf(n) {
		c := s.(*ast.CaseClause)
		byDefault = byDefault || c.List == nil
		all = all && inTurn(c.Body, is)
	}
	return byDefault && all
}

func clausesOf(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.SwitchStmt:
		return n.Body.List
	case *ast.TypeSwitchStmt:
		return n.Body.List
	}
	return nil
}

// headOf returns what a statement evaluates before it comes to a body, in any case.
func headOf(n ast.Node) (list []ast.Node) {
	add := func(s ast.Stmt, x ast.Expr) {
		if s != nil {
			list = append(list, s)
		}
		if x != nil {
			list = append(list, x)
		}
	}
	switch n := n.(type) {
	case *ast.IfStmt:
		add(n.Init, n.Cond)
	case *ast.ForStmt:
		add(n.Init, n.Cond)
	case *ast.RangeStmt:
		add(nil, n.X)
	case *ast.TypeSwitchStmt:
		add(n.Init, nil)
		add(n.Assign, nil)
	case *ast.SwitchStmt:
		add(n.Init, n.Tag)
		for _, c := range n.Body.List { // the first case
			if first := c.(*ast.CaseClause).List; len(first) > 0 {
				add(nil, first[0])
				break
			}
		}
	}
	return list
}

// comesAfter reports whether a node that is looked for has been evaluated wherever a statement
// begins: before it in a list around it, or at the head of a statement around it.
func comesAfter(fi *fileInfo, s ast.Stmt, is func(ast.Node) bool) bool {
	var child ast.Node = s
	for n := fi.parent(s); n != nil; child, n = n, fi.parent(n) {
		if in, ok := child.(ast.Stmt); ok && !holdsClauses(fi, n) {
			list := stmtsOf(n)
			if slices.ContainsFunc(list[:max(0, slices.Index(list, in))], func(s ast.Stmt) bool { return certainly(s, is) }) {
				return true
			}
		}
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
		if heads := headOf(n); !slices.Contains(heads, child) && slices.ContainsFunc(heads, func(h ast.Node) bool { return certainly(h, is) }) {
			return true
		}
	}
	return false
}

// renamed returns the statement of a list that gives the name by which the lock begins another
// meaning: an Unlock behind it would be another one's.
//
//	s.mu.Lock(); s := s.kids[k]; s.mu.Unlock()
func renamed(list []ast.Stmt, lock *lockExpr) ast.Node {
	name, _, _ := strings.Cut(strings.TrimLeft(lock.text, "(*"), ".")
	name = strings.TrimRight(name, ")")
	is := func(x ast.Expr) bool {
		id, ok := x.(*ast.Ident)
		return ok && id.Name == name
	}
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE && slices.ContainsFunc(s.Lhs, is) {
				return s
			}
		case *ast.DeclStmt:
			found := false
			ast.Inspect(s, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					found = found || slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return is(id) })
				case *ast.TypeSpec:
					found = found || is(n.Name)
				case *ast.FuncLit:
					return false
				}
				return true
			})
			if found {
				return s
			}
		}
	}
	return nil
}
