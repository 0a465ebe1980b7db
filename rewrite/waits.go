// This file finds code that waits for others while it holds a lock: whoever it waits for
// must not be made to want that lock.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// checkWaits refuses a lock that is held somewhere while waiting for another goroutine. Calls
// are followed where they name their function; what a function value or an interface method
// does is not known.
func (t *taking) checkWaits() {
	waits := func(fi *fileInfo, n ast.Node) ast.Node { return t.waitsIn(fi, n, map[*ast.FuncDecl]bool{}) }
	if decl, at := t.whileHeld(waits); at != nil {
		t.c.refuse("lock-waits", at.Pos(), "", "%s waits for others while it holds %s: a goroutine that it waits for might be the one that now wants the lock", decl.Name.Name, t.m.Guard)
	}
}

// isLeaf reports whether nobody takes another lock, waits, or calls what is not known while
// holding the lock. Then it may be taken under any other: no order of theirs goes back.
func (t *taking) isLeaf() bool {
	if t.leaf == 0 {
		t.leaf = -1
		if _, at := t.whileHeld(t.unleafed); at == nil {
			t.leaf = 1
		}
	}
	return t.leaf > 0
}

// unleafed returns what in n may take a lock or wait.
func (t *taking) unleafed(fi *fileInfo, n ast.Node) (bad ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if bad != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			call, called := fi.parent(n).(*ast.CallExpr)
			return called && call.Fun == ast.Expr(n)
		case *ast.CallExpr:
			if _, lit := ast.Unparen(n.Fun).(*ast.FuncLit); !lit && !t.calls(fi, n, "Unlock", "RUnlock") && !t.calm(fi, n, 3) {
				bad = n
			}
		case *ast.SendStmt:
			bad = n
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				bad = n
			}
		}
		return bad == nil
	})
	return bad
}

// whileHeld looks at all that runs while the lock is held, as far as the text of the functions
// that take it shows, and returns the first that look returns, with its function.
func (t *taking) whileHeld(look func(*fileInfo, ast.Node) ast.Node) (in *ast.FuncDecl, at ast.Node) {
	for _, fi := range t.ix.list {
		if t.field == nil || !t.field.Exported() && fi.pkg.Types != t.field.Pkg() && fi.pkg.Path != t.field.Pkg().Path() {
			continue
		}
		for _, d := range fi.syntax.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			ast.Inspect(decl.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && at == nil && t.calls(fi, call, "Lock", "RLock") {
					if at = t.after(fi, call, look); at != nil {
						in = decl
					}
				}
				return at == nil
			})
		}
	}
	return in, at
}

// calls reports whether a call is one of these methods of the guard.
func (t *taking) calls(fi *fileInfo, call *ast.CallExpr, methods ...string) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	named := false
	for _, m := range methods {
		named = named || sel.Sel.Name == m
	}
	if !named {
		return false
	}
	if _, path, ok := steps(fi, sel.X); ok && len(path) > 0 && path[len(path)-1].Origin() == t.field {
		return true
	}
	if root, path, ok := steps(fi, sel.X); ok && len(path) == 0 && root != nil && root.Pos() == t.guard {
		return true
	}
	s := fi.pkg.Info.Selections[sel]
	if s == nil {
		return false
	}
	typ := s.Recv()
	for _, i := range s.Index()[:len(s.Index())-1] { // embedded fields on the way to the method
		if p, ok := typ.Underlying().(*types.Pointer); ok {
			typ = p.Elem()
		}
		st, ok := typ.Underlying().(*types.Struct)
		if !ok {
			return false
		}
		if f := st.Field(i); f.Origin() == t.field || f.Pos() == t.guard {
			return true
		}
		typ = st.Field(i).Type()
	}
	return false
}

// after looks at what is between a call of Lock and that of Unlock behind it in the same list
// of statements; without one, up to the function's end.
func (t *taking) after(fi *fileInfo, lock *ast.CallExpr, look func(*fileInfo, ast.Node) ast.Node) ast.Node {
	stmt, ok := fi.parent(lock).(*ast.ExprStmt)
	if !ok {
		return lock // held we do not know how long
	}
	list := stmtsOf(fi.parent(stmt))
	for _, s := range list[slices.Index(list, ast.Stmt(stmt))+1:] {
		if e, ok := s.(*ast.ExprStmt); ok {
			if call, ok := e.X.(*ast.CallExpr); ok && t.calls(fi, call, "Unlock", "RUnlock") {
				return nil
			}
		}
		if at := look(fi, s); at != nil {
			return at
		}
	}
	for _, s := range bodyOf(fi.enclosing(stmt)).List {
		if s.Pos() > stmt.Pos() {
			if at := look(fi, s); at != nil {
				return at
			}
		}
	}
	return nil
}

// waitsIn returns what in n waits for another goroutine.
func (t *taking) waitsIn(fi *fileInfo, n ast.Node, seen map[*ast.FuncDecl]bool) (at ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if at != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			call, called := fi.parent(n).(*ast.CallExpr)
			return called && call.Fun == ast.Expr(n)
		case *ast.GoStmt:
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				at = n
			}
		case *ast.SendStmt:
			at = n
		case *ast.SelectStmt:
			tries := false
			for _, c := range n.Body.List {
				tries = tries || c.(*ast.CommClause).Comm == nil
			}
			if !tries {
				at = n
				return false
			}
			for _, c := range n.Body.List {
				for _, s := range c.(*ast.CommClause).Body {
					if at == nil {
						at = t.waitsIn(fi, s, seen)
					}
				}
			}
			return false
		case *ast.RangeStmt:
			if typ := fi.pkg.Info.TypeOf(n.X); typ != nil {
				if _, ok := typ.Underlying().(*types.Chan); ok {
					at = n
				}
			}
		case *ast.CallExpr:
			fn := fi.callee(n)
			if fn == nil {
				return true
			}
			if fn.Name() == "Wait" && fn.Signature().Recv() != nil && !strings.HasSuffix(keyOf(fn.Signature().Recv().Type()), "sync.Cond") {
				at = n
				return false
			}
			if decl, home := t.ix.funcDecl(fn); decl != nil && decl.Body != nil && home != nil && !seen[decl] && len(seen) < 200 {
				seen[decl] = true
				if t.waitsIn(home, decl.Body, seen) != nil {
					at = n
				}
			}
		}
		return at == nil
	})
	return at
}
