// This file finds code that waits for others while it holds a lock: whoever it waits for
// must not be made to want that lock.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// isLeaf reports whether nobody takes another lock, waits, or calls what is not known while
// holding the lock. Then it may be taken under any other: no order of theirs goes back.
func (t *taking) isLeaf() bool {
	if t.leaf == 0 {
		t.leaf = -1
		if t.busy = t.lent(); t.busy == nil {
			t.busy = t.whileHeld(t.unleafed)
		}
		if t.busy == nil {
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
		case *ast.GoStmt: // runs without the lock, but for its operands
			for _, a := range n.Call.Args {
				if bad == nil {
					bad = t.unleafed(fi, a)
				}
			}
			return false
		case *ast.FuncLit:
			call, called := fi.parent(n).(*ast.CallExpr)
			return called && call.Fun == ast.Expr(n)
		case *ast.CallExpr:
			_, lit := ast.Unparen(n.Fun).(*ast.FuncLit)
			if lit || t.calls(fi, n, "Unlock", "RUnlock") || fi.builtin(n) == "panic" {
				return true
			}
			if fn := fi.callee(n); fn != nil && fn.Pkg() != nil && writesLog(fn) && !slices.ContainsFunc(n.Args, func(a ast.Expr) bool { return !plain(fi.pkg.Info.TypeOf(a)) }) {
				return true // who writes there has to do without the lock as it is
			}
			if !t.calm(fi, n, 3) {
				bad = n
			}
		case *ast.SendStmt, *ast.SelectStmt:
			bad = n
		case *ast.ForStmt:
			if !counts(fi, n) {
				bad = n
			}
		case *ast.RangeStmt:
			if endless(fi, n) {
				bad = n
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				bad = n
			}
		}
		return bad == nil
	})
	return bad
}

// lent returns a use of the lock other than a call of its methods: who gets it may take it.
func (t *taking) lent() ast.Node {
	if t.field == nil {
		return nil
	}
	for _, id := range t.ix.usesOf(t.field) {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil {
			return id
		}
		x := fi.spelled(id)
		switch p := fi.parent(x).(type) {
		case *ast.SelectorExpr: // s.mu.Lock
			if _, call := fi.parent(p).(*ast.CallExpr); !call {
				return id
			}
		case *ast.KeyValueExpr:
			if p.Key != x {
				return id
			}
		default:
			return id
		}
	}
	return nil
}

// whileHeld looks at all that runs while the lock is held, as far as the text of the functions
// that take it shows, and returns the first that look returns.
func (t *taking) whileHeld(look func(*fileInfo, ast.Node) ast.Node) (at ast.Node) {
	if t.field == nil {
		return nil
	}
	for _, fi := range t.ix.list {
		if !t.field.Exported() && fi.pkg.Types != t.field.Pkg() && fi.pkg.Path != t.field.Pkg().Path() {
			continue
		}
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && at == nil && t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock") {
				at = t.after(fi, call, look)
			}
			return at == nil
		})
	}
	return at
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
	return slices.ContainsFunc(embeddedOn(s), func(f *types.Var) bool { return f.Origin() == t.field || f.Pos() == t.guard })
}

// after looks at what is between a call of Lock and that of Unlock behind it in the same list
// of statements; without one, up to the function's end. A function that does not let go of the
// lock itself is looked at no further: it holds it for its callers.
func (t *taking) after(fi *fileInfo, lock *ast.CallExpr, look func(*fileInfo, ast.Node) ast.Node) ast.Node {
	stmt, ok := fi.parent(lock).(*ast.ExprStmt)
	fn := fi.enclosing(lock)
	if !ok || fn == nil {
		return lock // held we do not know how long
	}
	leaves := false
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		leaves = leaves || ok && t.calls(fi, call, "Unlock", "RUnlock")
		return !leaves
	})
	if !leaves {
		return lock
	}
	var child ast.Node = stmt
	for n := fi.parent(stmt); n != nil && n != fn; child, n = n, fi.parent(n) {
		if s, ok := child.(ast.Stmt); ok && slices.Contains(stmtsOf(n), s) {
			list := stmtsOf(n)
			for _, behind := range list[slices.Index(list, s)+1:] {
				if e, ok := behind.(*ast.ExprStmt); ok {
					if call, ok := e.X.(*ast.CallExpr); ok && t.calls(fi, call, "Unlock", "RUnlock") {
						return nil
					}
				}
				if at := look(fi, behind); at != nil {
					return at
				}
			}
		}
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt: // what comes before may run again
			if at := look(fi, n); at != nil {
				return at
			}
		}
	}
	var at ast.Node
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		if d, ok := n.(*ast.DeferStmt); ok && at == nil {
			at = look(fi, d)
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
	return at
}
