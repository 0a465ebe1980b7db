// This file decides what one function puts under a lock together, and where it lets go.

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

// function puts the accesses of one function under the lock.
func (t *taking) function(fn ast.Node, spots []*spot) {
	first := spots[0]
	lock := t.lockOf(first)
	if lock == nil {
		return // refused
	}
	t.owner, t.way = lock.root, lock.path
	for _, sp := range spots {
		if sp.lock != nil && (sp.lock.text != lock.text || sp.lock.root != lock.root) {
			t.c.refuse("lock-object", sp.stmt.Pos(), "", "the locks of two objects are needed in %s", funcName(sp.fi, fn))
			return
		}
		for _, id := range sp.uses {
			if other := t.lockFor(sp.fi, id); other == nil || other.text != lock.text || other.root != lock.root {
				t.c.refuse("lock-object", id.Pos(), "", "%s and another map of the same name, of two objects, are used together here", t.m.Name)
				return
			}
		}
	}
	if at := t.otherLocked(first.fi, fn, lock); at != nil {
		t.c.refuse("lock-object", at.Pos(), "", "%s takes the lock of another object, too", funcName(first.fi, fn))
		return
	}
	if at := t.unbalanced(first.fi, fn); at != nil {
		t.c.refuse("lock-unbalanced", at.Pos(), "", "%s lets go of %s, and does not take it", funcName(first.fi, fn), t.lockName())
		return
	}
	if t.beside(fn, spots, lock) {
		return
	}
	if i := slices.IndexFunc(spots, func(sp *spot) bool { return sp.busy != nil }); i >= 0 {
		t.refuseBusy(*spots[i].busy)
		return
	}
	if len(spots) > 1 || !t.simplest(first, lock) {
		if t.together(fn, spots, lock) {
			return
		}
	}
	if alias := slices.ContainsFunc(spots, func(sp *spot) bool { return sp.alias }); alias || !apart(first.fi, spots) {
		for region := range regions(spots) {
			if why := t.runs(first.fi, region, lock); why != nil {
				t.c.refuse("lock-reach", why.Pos(), "", "between the accesses in %s comes what may not run under %s: %s", funcName(first.fi, fn), t.lockName(), t.because(why))
				return
			}
			break
		}
		t.c.refuse("lock-steps", spots[len(spots)-1].stmt.Pos(), "", "%s uses %s in several steps that belong together, and they cannot be put under one lock", funcName(first.fi, fn), t.m.Name)
		return
	}
	from := len(t.ops[first.fi])
	for _, sp := range spots {
		if len(t.c.refusals) == 0 {
			t.single(sp, lock)
		}
	}
	joinSections(first.fi, t.ops[first.fi][from:])
}

// otherLocked returns where a function takes the guard of another object than the one at hand.
func (t *taking) otherLocked(fi *fileInfo, fn ast.Node, lock *lockExpr) (at ast.Node) {
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && t.own == nil && at == nil && t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock") {
			if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); !ok || spell(sel.X) != lock.text {
				at = call
			}
		}
		return at == nil
	})
	return at
}

// shadowed reports whether the lock's owner has another meaning at a statement.
func (t *taking) shadowed(fi *fileInfo, s ast.Stmt) bool {
	root := t.owner
	return root != nil && !visibleAt(fi, root, s.Pos())
}

// unbalanced returns where a function lets go of the lock, if it never takes it.
func (t *taking) unbalanced(fi *fileInfo, fn ast.Node) (leaves ast.Node) {
	if t.own != nil {
		return nil
	}
	takes := false
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			takes = takes || t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock")
			if leaves == nil && t.calls(fi, call, "Unlock", "RUnlock") {
				leaves = call
			}
		}
		return true
	})
	if takes {
		return nil
	}
	return leaves
}

// joinSections makes one critical section of two where nothing is between them.
// It returns the sites that have one together then.
func joinSections(fi *fileInfo, ops []op) (joined [][2]int) {
	for i := 1; i < len(ops); i++ {
		a, ok := ops[i-1].(*lockOp)
		if !ok || len(a.After) != 1 || fi.next(a.Last) != ops[i].target() {
			continue
		}
		var before *[]string
		switch b := ops[i].(type) {
		case *lockOp:
			before = &b.Before
		case *hoistOp:
			before = &b.Before
		}
		if before != nil && len(*before) == 1 && (*before)[0] == takeOf(a.After[0]) {
			a.After, *before = nil, nil
			if a.Site != ops[i].site() {
				joined = append(joined, [2]int{a.Site, ops[i].site()})
			}
		}
	}
	return joined
}

// joinSites joins the critical sections of several maps with one guard. What one of them
// takes, another lets go: they go together.
func (r *run) joinSites() {
	for _, fi := range r.ix.list {
		var ops []op
		for _, s := range r.sites {
			if !s.refused() && s.strat == Guard {
				ops = append(ops, s.ops[fi]...)
			}
		}
		slices.SortStableFunc(ops, func(a, b op) int { return int(a.target().Pos() - b.target().Pos()) })
		r.joined = append(r.joined, joinSections(fi, ops)...)
	}
}

// refuseJoined refuses the sites that have a critical section with a refused one.
func (r *run) refuseJoined() {
	for again := true; again; {
		again = false
		for _, pair := range r.joined {
			a, b := r.sites[pair[0]], r.sites[pair[1]]
			if b.refused() {
				a, b = b, a
			}
			if a.refused() && !b.refused() {
				b.class.refusals = append(b.class.refusals, a.class.refusals[0])
				again = true
			}
		}
	}
}

// takeOf returns the call that a call of Unlock or RUnlock ends.
func takeOf(leave string) string {
	return strings.Replace(strings.Replace(leave, ".RUnlock()", ".RLock()", 1), ".Unlock()", ".Lock()", 1)
}

// together puts all spots of a function into one critical section: the smallest one that
// nothing leaves, or one that is held to the function's end, or one that is let go of where
// it is left.
func (t *taking) together(fn ast.Node, spots []*spot, lock *lockExpr) bool {
	fi, body := spots[0].fi, bodyOf(fn).List
	for region := range regions(spots) {
		ways := t.waysOut(fi, region, spots)
		mayRun, calm := t.safe(fi, region, lock)
		if !mayRun || !calm {
			if i := slices.Index(body, region[0]); mayRun && i >= 0 && t.runs(fi, body[i:], lock) == nil && !defers(body[i:]) {
				t.hold(fi, region[0], lock, writes(spots))
				return true
			}
			if len(ways) > 0 {
				t.withoutLock(ways, func() { mayRun, calm = t.safe(fi, region, lock) })
			}
			if !mayRun {
				return false // nor may what is around it
			}
			if !calm {
				continue
			}
		} else if !exits(region) {
			t.wrap(fi, region[0], region[len(region)-1], lock, writes(spots))
			return true
		} else if i := slices.Index(body, region[0]); i >= 0 && t.runs(fi, body[i:], lock) == nil && !defers(body[i:]) {
			t.hold(fi, region[0], lock, writes(spots))
			return true
		} else if one, ok := region[0].(*ast.IfStmt); ok && len(spots) == 1 && one == spots[0].stmt && t.init(spots[0], one, lock, writes(spots)) {
			return true
		}
		if len(ways) > 0 {
			t.wrap(fi, region[0], region[len(region)-1], lock, writes(spots))
			t.leaveBy(fi, ways, lock.leave(writes(spots) || !onlyReads(fi, region)))
			return true
		}
	}
	return false
}

// safe reports whether statements may run under the lock, and, if so, cannot panic while it is held.
func (t *taking) safe(fi *fileInfo, region []ast.Stmt, lock *lockExpr) (mayRun, calm bool) {
	mayRun = t.runs(fi, region, lock) == nil
	return mayRun, mayRun && t.panics(fi, region, 3) == nil
}

// withoutLock calls f while some statements count as run without the lock: it is let go of before them.
//
//	if _, ok := s.m[k]; ok { s.mu.Unlock(); return fmt.Errorf("%s: %w", k, s.err()) }
func (t *taking) withoutLock(ways []ast.Stmt, f func()) {
	t.left = map[ast.Node]bool{}
	for _, w := range ways {
		t.left[w] = true
	}
	f()
	t.left = nil
}

// leaveBy lets go of the lock before the statements by which a section is left before its end.
func (t *taking) leaveBy(fi *fileInfo, ways []ast.Stmt, leave string) {
	for _, way := range ways {
		t.ops[fi] = append(t.ops[fi], &lockOp{opBase: t.base(way), Last: way, Before: []string{leave}})
	}
}

// waysOut returns the statements by which a region is left before its end, if there are few,
// each in a list of its own, and none of them needs the lock.
func (t *taking) waysOut(fi *fileInfo, region []ast.Stmt, spots []*spot) (ways []ast.Stmt) {
	for _, s := range region {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				ways = append(ways, n)
			case *ast.BranchStmt:
				ways = append(ways, n)
			}
			return true
		})
	}
	ways = slices.DeleteFunc(ways, func(s ast.Stmt) bool {
		b, ok := s.(*ast.BranchStmt)
		return ok && !branchLeaves(fi, b, region)
	})
	if len(ways) > 2 || slices.ContainsFunc(ways, func(w ast.Stmt) bool {
		return !fi.inBlock(w) || t.shadowed(fi, w) || slices.Contains(region, w) && len(region) == 1 || slices.ContainsFunc(spots, func(sp *spot) bool { return sp.stmt == w })
	}) {
		return nil
	}
	return ways
}

// branchLeaves reports whether a break or continue of a region leaves it.
func branchLeaves(fi *fileInfo, b *ast.BranchStmt, region []ast.Stmt) bool {
	if b.Tok == token.FALLTHROUGH {
		return false
	}
	for n := fi.parent(b); n != nil && n.Pos() >= region[0].Pos() && n.End() <= region[len(region)-1].End(); n = fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return false
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			if b.Tok == token.BREAK {
				return false
			}
		}
	}
	return true
}

// terminates reports whether nothing is executed behind a statement.
func terminates(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok != token.FALLTHROUGH
	case *ast.BlockStmt:
		return len(s.List) > 0 && terminates(s.List[len(s.List)-1])
	case *ast.IfStmt:
		return s.Else != nil && terminates(s.Body) && terminates(s.Else)
	case *ast.SwitchStmt, *ast.TypeSwitchStmt:
		found := false
		if breaksOut(s) {
			return false
		}
		for _, c := range clausesOf(s) {
			clause := c.(*ast.CaseClause)
			found = found || clause.List == nil
			if len(clause.Body) == 0 {
				return false
			}
			last := clause.Body[len(clause.Body)-1]
			if b, ok := last.(*ast.BranchStmt); (!ok || b.Tok != token.FALLTHROUGH) && !terminates(last) {
				return false
			}
		}
		return found
	case *ast.ForStmt:
		return s.Cond == nil && !breaksOut(s)
	}
	return false
}

// breaksOut reports whether a break leaves a switch: one in it, but not in a loop or another switch
// there, unless it has a label, which may be anybody's.
func breaksOut(s ast.Stmt) (found bool) {
	var in func(n ast.Node, nested bool)
	in = func(n ast.Node, nested bool) {
		ast.Inspect(n, func(x ast.Node) bool {
			switch x := x.(type) {
			case *ast.FuncLit:
				return false
			case *ast.BranchStmt:
				found = found || x.Tok == token.BREAK && (!nested || x.Label != nil)
			case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
				if x != n && !nested {
					in(x, true)
					return false
				}
			}
			return !found
		})
	}
	in(s, false)
	return found
}

// simplest reports whether the only spot of a function needs no more than its own statement.
func (t *taking) simplest(sp *spot, lock *lockExpr) bool {
	if _, ret := sp.stmt.(*ast.ReturnStmt); !ret && t.panics(sp.fi, []ast.Stmt{sp.stmt}, 3) != nil {
		return false
	}
	switch sp.stmt.(type) {
	case *ast.ReturnStmt:
		return !inIterator(sp.fi, sp.stmt) && t.runs(sp.fi, []ast.Stmt{sp.stmt}, lock) == nil
	case *ast.IfStmt, *ast.RangeStmt:
		return false
	}
	return t.runs(sp.fi, []ast.Stmt{sp.stmt}, lock) == nil && !exits([]ast.Stmt{sp.stmt})
}

// single puts one statement, or what it reads, under the lock.
func (t *taking) single(sp *spot, lock *lockExpr) {
	fi := sp.fi
	writes := writes([]*spot{sp})
	whole := []ast.Stmt{sp.stmt}
	why := t.runs(fi, whole, lock)
	if _, ret := sp.stmt.(*ast.ReturnStmt); why == nil && !ret {
		why = t.panics(fi, whole, 3)
	}
	switch s := sp.stmt.(type) {
	case *ast.ReturnStmt:
		if why == nil && !inIterator(fi, s) {
			t.hold(fi, s, lock, writes)
			return
		}
	case *ast.IfStmt:
		if why == nil && !exits(whole) {
			t.wrap(fi, s, s, lock, writes)
			return
		}
		if t.init(sp, s, lock, writes) {
			return
		}
	case *ast.RangeStmt:
		if why == nil && !exits(whole) {
			t.wrap(fi, s, s, lock, writes)
			return
		}
		if t.copied(sp, s, lock) {
			return
		}
	default:
		if why == nil && !exits(whole) {
			t.wrap(fi, s, s, lock, writes)
			return
		}
	}
	if !writes && t.fetch(sp, lock) {
		return
	}
	if why == nil {
		why = sp.stmt
	}
	t.c.refuse("lock-reach", why.Pos(), "", "the statement at line %d cannot be put under %s as it is: %s", t.ix.pos(sp.stmt.Pos()).Line, t.lockName(), t.because(why))
}

// inIterator reports whether a statement stands in a loop over a function. A return lets that
// function go on first, and what a defer there does comes after.
func inIterator(fi *fileInfo, s ast.Node) bool {
	for n := fi.parent(s); n != nil; n = fi.parent(n) {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			return false
		case *ast.RangeStmt:
			switch fi.pkg.Info.TypeOf(n.X).Underlying().(type) {
			case *types.Signature, *types.Interface: // the latter of a type parameter
				return true
			}
		}
	}
	return false
}

// wrap locks before first and unlocks behind last, statements of one list.
func (t *taking) wrap(fi *fileInfo, first, last ast.Stmt, lock *lockExpr, writes bool) {
	writes = writes || !onlyReads(fi, between(fi, first, last))
	t.section(first.Pos(), last.End())
	if _, branch := last.(*ast.BranchStmt); branch || terminates(last) { // it is left by its ways out only
		t.add(fi, &lockOp{opBase: t.base(first), Last: first, Before: []string{lock.take(writes)}})
		return
	}
	t.add(fi, &lockOp{opBase: t.base(first), Last: last, Before: []string{lock.take(writes)}, After: []string{lock.leave(writes)}})
}

// hold locks before first, to the end of the function.
func (t *taking) hold(fi *fileInfo, first ast.Stmt, lock *lockExpr, writes bool) {
	if list := stmtsOf(fi.parent(first)); slices.Contains(bodyOf(fi.enclosing(first)).List, first) {
		writes = writes || !onlyReads(fi, list[slices.Index(list, first):])
	} else {
		writes = writes || !onlyReads(fi, []ast.Stmt{first})
	}
	t.section(first.Pos(), fi.enclosing(first).End())
	t.add(fi, &lockOp{opBase: t.base(first), Last: first, Before: []string{lock.take(writes), "defer " + lock.leave(writes)}})
}

// A section is what one site puts under its lock.
type section struct {
	site     int
	from, to token.Pos
}

// section claims a stretch of code for the lock. Where another site has claimed some of it, one
// lock would be taken twice, or two in an order that nobody has thought of.
func (t *taking) section(from, to token.Pos) {
	for _, other := range t.run.sections {
		if other.site != t.c.n && from < other.to && other.from < to {
			t.c.refuse("lock-overlap", from, "", "what is to be put under %s here overlaps with what another map's lock is to be taken for", t.lockName())
		}
	}
	t.run.sections = append(t.run.sections, section{t.c.n, from, to})
}

// regions yields the runs of statements, in one list each, that hold all spots, the smallest
// first.
func regions(spots []*spot) iter.Seq[[]ast.Stmt] {
	return func(yield func([]ast.Stmt) bool) {
		for _, p := range spots[0].places {
			i, j, all := p.i, p.i, true
			for _, sp := range spots[1:] {
				k := slices.IndexFunc(sp.places, func(q spotPlace) bool { return &q.list[0] == &p.list[0] })
				if all = k >= 0; !all {
					break
				}
				i, j = min(i, sp.places[k].i), max(j, sp.places[k].i)
			}
			if all && !yield(p.list[i:j+1]) {
				return
			}
		}
	}
}

// writes reports whether the lock is needed for writing: something changes the map, or what
// an element of it points to.
func writes(spots []*spot) bool {
	return slices.ContainsFunc(spots, func(s *spot) bool {
		return slices.ContainsFunc(s.ops, detect.Op.Mutates) || slices.ContainsFunc(s.uses, func(id *ast.Ident) bool { return assigned(s.fi, id) })
	})
}

// assigned reports whether an identifier stands in what a statement assigns to: m[k].n++.
func assigned(fi *fileInfo, id *ast.Ident) bool {
	var child ast.Node = id
	for n := fi.parent(id); n != nil; child, n = n, fi.parent(n) {
		switch n := n.(type) {
		case *ast.IncDecStmt:
			return true
		case *ast.AssignStmt:
			x, ok := child.(ast.Expr)
			return ok && slices.Contains(n.Lhs, x) && n.Tok != token.DEFINE
		case *ast.IndexExpr:
			if n.Index == child {
				return false
			}
		case *ast.SelectorExpr, *ast.ParenExpr, *ast.StarExpr:
		default:
			return false
		}
	}
	return false
}

// between returns the statements from one to another of the same list.
func between(fi *fileInfo, first, last ast.Stmt) []ast.Stmt {
	list := stmtsOf(fi.parent(first))
	return list[slices.Index(list, first) : slices.Index(list, last)+1]
}
