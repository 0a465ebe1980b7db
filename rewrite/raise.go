// This file makes a lock for reading one for writing, where the map is changed under it.

package rewrite

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// raise takes the lock for writing where a function changes the map while it holds it for reading only,
// and reports whether that can be.
//
//	h.mu.RLock()          // → h.mu.Lock()
//	defer h.mu.RUnlock()  // → defer h.mu.Unlock()
//	h.buckets[ms]++
//
// Who holds a lock for reading may come to a place that takes it for reading again, and works as long as
// nobody waits for it to write. With Lock there it would wait for itself. So the lock must be a leaf
// (see isLeaf): nothing that takes a lock runs under it. And the function must take it for reading once
// only, by the name that belongs to the map at hand, and use the map nowhere without it.
func (t *taking) raise(sp *spot, a detect.Access) bool {
	if t.own != nil || !a.Op.Mutates() || !slices.ContainsFunc(a.Locks, func(l detect.Lock) bool { return l.Name == t.m.Guard && !l.Idle && l.Read }) {
		return false
	}
	lock := t.lockFor(sp.fi, sp.uses[0])
	fn := sp.fi.enclosing(sp.stmt)
	if lock == nil || fn == nil || slices.ContainsFunc(sp.uses, func(id *ast.Ident) bool {
		other := t.lockFor(sp.fi, id)
		return other == nil || other.text != lock.text || other.root != lock.root
	}) {
		return false
	}
	t.guard, t.field = lock.decl, lock.symbol
	if !t.isLeaf() || t.missesIn(fn) {
		return false
	}
	var calls []*ast.SelectorExpr
	takes, other := 0, false
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !t.calls(sp.fi, call, "Lock", "RLock", "TryLock", "TryRLock", "Unlock", "RUnlock") {
			return true
		}
		sel := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		_, deferred := sp.fi.parent(call).(*ast.DeferStmt)
		switch {
		case spell(sel.X) != lock.text || sp.fi.enclosing(call) != fn,
			sel.Sel.Name == "RLock" && call.Pos() > sp.stmt.Pos(), sel.Sel.Name == "RUnlock" && call.Pos() < sp.stmt.Pos() && !deferred && !onWayOut(sp.fi, call):
			other = true
		case sel.Sel.Name == "RLock":
			takes++
			calls = append(calls, sel)
		case sel.Sel.Name == "RUnlock":
			calls = append(calls, sel)
		default:
			other = true
		}
		return true
	})
	if other || takes != 1 || len(calls) < 2 {
		return false
	}
	if t.raised[fn] {
		return true
	}
	if t.raised == nil {
		t.raised = map[ast.Node]bool{}
	}
	t.raised[fn] = true
	t.section(calls[0].Pos(), calls[len(calls)-1].End())
	for i, sel := range calls {
		o := &textOp{t.base(sel), lock.text + "." + strings.TrimPrefix(sel.Sel.Name, "R")} // RLock, RUnlock
		if i == 0 {
			t.add(sp.fi, o)
		} else {
			t.ops[sp.fi] = append(t.ops[sp.fi], o)
		}
	}
	return true
}

// missesIn reports whether a function uses the map where it holds the lock not at all.
func (t *taking) missesIn(fn ast.Node) bool {
	races := t.racing()
	return slices.ContainsFunc(t.m.Accesses, func(a detect.Access) bool {
		return races(a) && !a.Owned && !a.Test && !t.underGuard(a) && t.functionAt(a) == fn
	})
}
