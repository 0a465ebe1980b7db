// This file takes a lock where a function is called that needs it, instead of in the function.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"iter"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// lift puts the lock around the calls through which an access is reached without it, if other
// calls of its function hold it, and reports whether that can be.
//
//	func (s *S) Add(k string) { s.mu.Lock(); s.add(k); s.mu.Unlock() }
//	func (s *S) Put(k string) { s.add(k) } // here
//	func (s *S) add(k string) { s.m[k]++ }
func (t *taking) lift(sp *spot, a detect.Access, add func(*spot, detect.Op)) bool {
	inner := t.lockFor(sp.fi, sp.uses[0])
	decl, ok := sp.fi.enclosing(sp.stmt).(*ast.FuncDecl)
	if inner == nil || !ok || len(a.Bares) == 0 || !t.hasOwner(sp.fi, decl.Body.List, inner) {
		return false
	}
	if fn, ok := sp.fi.pkg.Info.Defs[decl.Name].(*types.Func); !ok || decl.Recv != nil && t.ix.asked(fn) || t.isValue(fn) {
		return false // there are calls that are not seen
	}
	var spots []*spot
	for _, c := range a.Bares {
		pos := t.ix.at(c)
		fi := t.ix.fileAt(pos)
		t.guard, t.field = inner.decl, inner.symbol
		if fi == nil || fi.path == "" || fi.generated || !t.isLeaf() {
			return false
		}
		call := t.callAt(fi, pos, decl)
		at := t.placeOf(fi, pos)
		if call == nil || at == nil {
			return false
		}
		switch fi.parent(call).(type) {
		case *ast.GoStmt, *ast.DeferStmt: // it runs later
			return false
		}
		if t.afterPanic(fi, fi.enclosing(call), 5) != nil || t.locksOther(fi, call) {
			return false
		}
		if at.lock = t.lockOfCall(fi, call, sp.fi, decl, inner); at.lock == nil {
			return false
		}
		at.calls = []*ast.CallExpr{call}
		spots = append(spots, at)
	}
	if !t.othersHold(sp.fi, decl, inner, spots) {
		return false
	}
	for _, s := range spots {
		t.lifted[s.calls[0]] = true
		add(s, a.Op)
	}
	return true
}

// locksOther reports whether the function around a call takes another lock: an order between the two
// might go both ways.
func (t *taking) locksOther(fi *fileInfo, call *ast.CallExpr) (found bool) {
	ast.Inspect(bodyOf(fi.enclosing(call)), func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			fn := fi.callee(c)
			found = found || fn != nil && slices.Contains([]string{"Lock", "RLock"}, fn.Name()) && fn.Signature().Params().Len() == 0 && !t.calls(fi, c, fn.Name())
		}
		return !found
	})
	return found
}

// othersHold reports whether all calls of a function other than those of some spots hold its lock,
// as far as the source shows: which calls do not, detection says for each function only once.
func (t *taking) othersHold(fi *fileInfo, decl *ast.FuncDecl, inner *lockExpr, spots []*spot) bool {
	for call, home := range t.callsOf(fi, decl) {
		if !slices.ContainsFunc(spots, func(s *spot) bool { return s.calls[0] == call }) && !t.heldAt(home, call, t.lockOfCall(home, call, fi, decl, inner), 4) {
			return false
		}
	}
	return true
}

// heldAt reports whether a lock is held at a call, in the function around it or in all that call that.
func (t *taking) heldAt(fi *fileInfo, call *ast.CallExpr, lock *lockExpr, depth int) bool {
	if lock == nil || depth == 0 {
		return false
	}
	if t.under(fi, call, lock) {
		return true
	}
	decl, ok := fi.enclosing(call).(*ast.FuncDecl)
	if !ok {
		return false
	}
	fn, ok := fi.pkg.Info.Defs[decl.Name].(*types.Func)
	if !ok || decl.Recv != nil && t.ix.asked(fn) || t.isValue(fn) {
		return false
	}
	found := false
	for outer, home := range t.callsOf(fi, decl) {
		found = true
		if !t.heldAt(home, outer, t.lockOfCall(home, outer, fi, decl, lock), depth-1) {
			return false
		}
	}
	return found
}

// callsOf iterates over the calls of a function by its name, those of tests excepted.
func (t *taking) callsOf(fi *fileInfo, decl *ast.FuncDecl) iter.Seq2[*ast.CallExpr, *fileInfo] {
	return func(yield func(*ast.CallExpr, *fileInfo) bool) {
		fn, ok := fi.pkg.Info.Defs[decl.Name].(*types.Func)
		if !ok {
			return
		}
		for _, id := range t.ix.usesOf(fn) {
			home := t.ix.fileAt(id.Pos())
			if home == nil || strings.HasSuffix(home.abs, "_test.go") {
				continue
			}
			fun := home.spelled(id)
			if call, ok := home.parent(fun).(*ast.CallExpr); ok && call.Fun == fun && !yield(call, home) {
				return
			}
		}
	}
}

// isValue reports whether a function is used as a value somewhere.
func (t *taking) isValue(fn *types.Func) bool {
	return slices.ContainsFunc(t.ix.usesOf(fn), func(id *ast.Ident) bool {
		fi := t.ix.fileAt(id.Pos())
		x := fi.spelled(id)
		call, ok := fi.parent(x).(*ast.CallExpr)
		return !ok || call.Fun != x
	})
}

// callAt returns the call of a function at a position.
func (t *taking) callAt(fi *fileInfo, pos token.Pos, decl *ast.FuncDecl) *ast.CallExpr {
	for _, n := range fi.enclosingPath(pos) {
		if call, ok := n.(*ast.CallExpr); ok {
			if d, _ := t.ix.funcDecl(fi.callee(call)); d == decl {
				return call
			}
		}
		if _, stmt := n.(ast.Stmt); stmt {
			break
		}
	}
	return nil
}

// lockOfCall returns the lock that a function names by its receiver, or a parameter, as its
// caller names it.
func (t *taking) lockOfCall(fi *fileInfo, call *ast.CallExpr, home *fileInfo, decl *ast.FuncDecl, inner *lockExpr) *lockExpr {
	if inner.root == nil || inner.root.Parent() == home.pkg.Types.Scope() {
		if fi.pkg.Path != home.pkg.Path || inner.root == nil || !visibleAt(fi, inner.root, call.Pos()) {
			return nil
		}
		return inner // a variable of the package
	}
	var arg ast.Expr
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && decl.Recv != nil && names(home, decl.Recv, inner.root) == 0 {
		arg = sel.X
	} else if i := names(home, decl.Type.Params, inner.root); i >= 0 && i < len(call.Args) && !call.Ellipsis.IsValid() {
		arg = call.Args[i]
	}
	if arg == nil {
		return nil
	}
	root, path, ok := steps(fi, arg)
	if !ok || !t.stable(fi, root, path) || len(inner.path) == 0 {
		return nil
	}
	if obj, _, _ := types.LookupFieldOrMethod(fi.pkg.Info.TypeOf(arg), true, home.pkg.Types, inner.path[0].Name()); obj == nil || obj.Pos() != inner.path[0].Pos() {
		return nil // another field of that name is nearer
	}
	text, at := spell(arg), fi.pkg.Info.TypeOf(arg)
	for _, v := range inner.path {
		if !v.Exported() && v.Pkg() != fi.pkg.Types && v.Pkg().Path() != fi.pkg.Path {
			return nil
		}
		if v == inner.path[len(inner.path)-1] && promotesLock(fi, at, v) {
			break
		}
		text, at = text+"."+v.Name(), v.Type()
	}
	return &lockExpr{text: text, root: root, path: append(path, inner.path...), reads: inner.reads, decl: inner.decl, symbol: inner.symbol, beside: inner.beside}
}

// names returns which of a list of parameters an object is, -1 if none.
func names(fi *fileInfo, list *ast.FieldList, obj types.Object) int {
	i := 0
	for _, f := range list.List {
		if k := slices.IndexFunc(f.Names, func(id *ast.Ident) bool { return fi.pkg.Info.Defs[id] == obj }); k >= 0 {
			return i + k
		}
		i += max(1, len(f.Names))
	}
	return -1
}
