// This file looks at the critical sections that a function has already, when more of it is put under
// the lock: what belongs to one of them goes into it.

package rewrite

import (
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// beside puts the spots of a function into a critical section of the lock that ends right before
// them, or begins right behind them, and reports whether there is one. If the section cannot be made larger,
// that is refused: to let go of a lock and take it again at once would keep nothing together.
//
//	if len(s.m) > 10 {      // → s.mu.Lock() comes here
//		return              // → after s.mu.Unlock()
//	}
//	s.mu.Lock()
//	s.m[k] = v
//	s.mu.Unlock()
//
// A look that the section repeats before it changes anything may stay a section of its own, above all
// where others can read at the same time:
//
//	if v, ok := s.m[k]; ok { return v }
//	s.mu.Lock(); defer s.mu.Unlock()
//	if v, ok := s.m[k]; ok { return v }
//
// Where the lock is taken anyway, it need not be a leaf to be taken a little earlier, or held a little
// longer: the same locks are taken in the same order. Nothing may leave in between, nor do what somebody waits
// for who holds the lock:
//
//	go s.wake(); n := s.m[k]; s.mu.Lock()
func (t *taking) beside(fn ast.Node, spots []*spot, lock *lockExpr) (done bool) {
	if t.own != nil || slices.ContainsFunc(spots, func(sp *spot) bool { return sp.alias || sp.fi != spots[0].fi }) {
		return false
	}
	fi := spots[0].fi
	again := t.looksAgain(fn, spots)
	leaf := !slices.ContainsFunc(spots, func(sp *spot) bool { return sp.busy != nil })
	for region := range regions(spots) {
		ends, begins := t.neighbours(fi, region)
		if ends == nil && begins == nil {
			continue
		}
		if again && lock.reads && !writes(spots) {
			return false
		}
		if !leaf && (exits(region) || signals(fi, region)) {
			return false
		}
		grown := t.sectionsOf(ends, begins, fn)
		whole := !slices.ContainsFunc(spots, func(sp *spot) bool { return t.partOf(sp, grown).IsValid() })
		switch {
		case ends != nil && begins != nil:
			if (whole || again) && t.unite(ends, begins, region, spots, lock) {
				return true
			}
		case (whole || again) && (ends != nil && t.prolong(ends, region, spots, lock) || begins != nil && t.advance(begins, region, spots, lock)):
			return true
		}
		if again || !leaf {
			return false
		}
		at := ends
		if at == nil {
			at = begins
		}
		t.c.refuse("lock-steps", region[0].Pos(), "", "%s has %s just before or after this (%s): one critical section should hold both", funcName(fi, fn), t.lockName(), t.ix.pos(at.Pos()))
		return true
	}
	if again {
		return false
	}
	for _, sp := range spots {
		if h := t.partOf(sp, nil); h.IsValid() {
			t.c.refuse("lock-steps", sp.stmt.Pos(), "", "what is done here and at %s belongs together, and %s is held at one of the two only: one critical section should hold both", t.ix.pos(h), t.lockName())
			return true
		}
	}
	return false
}

// An extent is a part of a function's source.
type extent struct{ from, to token.Pos }

// sectionsOf returns where the critical sections lie that a statement ends and another one begins, as far as
// the lock is surely held without a break.
func (t *taking) sectionsOf(ends, begins ast.Stmt, fn ast.Node) (grown []extent) {
	fi := t.ix.fileAt(fn.Pos())
	if ends != nil {
		first := ends
		for s := fi.previous(ends); s != nil && !t.interrupts(fi, s); s = fi.previous(s) {
			first = s
		}
		grown = append(grown, extent{first.Pos(), ends.End()})
	}
	if begins != nil {
		last := begins
		for s := fi.next(begins); s != nil && !t.interrupts(fi, s); s = fi.next(s) {
			last = s
		}
		grown = append(grown, extent{begins.Pos(), last.End()})
	}
	return grown
}

// interrupts reports whether a statement takes the lock or lets go of it, other than on its way out, itself or in
// a function of the program that it calls, or waits for a condition, which does both.
func (t *taking) interrupts(fi *fileInfo, s ast.Stmt) (found bool) {
	if _, deferred := s.(*ast.DeferStmt); deferred {
		return false
	}
	return t.touchesLock(fi, s, 3)
}

func (t *taking) touchesLock(fi *fileInfo, n ast.Node, depth int) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || found {
			return !found
		}
		fn := fi.callee(call)
		switch {
		case t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock", "Unlock", "RUnlock"):
			found = !onWayOut(fi, call)
		case fn != nil && fn.FullName() == "(*sync.Cond).Wait":
			found = true
		case depth > 0:
			if decl, home := t.ix.funcDecl(fn); decl != nil && decl.Body != nil {
				found = t.touchesLock(home, decl.Body, depth-1)
			}
		}
		return !found
	})
	return found
}

// unite makes one critical section of two, and of what lies between them.
func (t *taking) unite(ends, begins ast.Stmt, region []ast.Stmt, spots []*spot, lock *lockExpr) bool {
	fi, method := spots[0].fi, methodOn(ends, lock)
	if method == "" || methodOn(begins, lock) != strings.Replace(method, "Unlock", "Lock", 1) || exits(region) || jumps(fi.topLevel(ends)) || !t.straight(fi, ends, method) {
		return false
	}
	if mayRun, calm := t.safe(fi, region, lock); !mayRun || !calm || method == "RUnlock" && (writes(spots) || !onlyReads(fi, region)) {
		return false
	}
	t.section(ends.Pos(), begins.End())
	t.add(fi, &removeOp{t.base(ends)})
	t.ops[fi] = append(t.ops[fi], &removeOp{t.base(begins)})
	return true
}

// signals reports whether statements may do what another goroutine waits for.
func signals(fi *fileInfo, list []ast.Stmt) (found bool) {
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.DeferStmt, *ast.SendStmt:
				found = true
			case *ast.UnaryExpr:
				found = found || n.Op == token.ARROW
			case *ast.CallExpr:
				b := fi.builtin(n)
				found = found || !fi.isConversion(n) && (b == "" || b == "close" || b == "panic")
			}
			return !found
		})
	}
	return found
}

// isBeside reports whether a critical section of the lock ends before a spot, or one begins behind it.
func (t *taking) isBeside(sp *spot) bool {
	for region := range regions([]*spot{sp}) {
		if ends, begins := t.neighbours(sp.fi, region); ends != nil || begins != nil {
			return true
		}
	}
	return false
}

// neighbours returns the statement before some that lets go of the lock, and the one behind them that
// takes it.
func (t *taking) neighbours(fi *fileInfo, region []ast.Stmt) (ends, begins ast.Stmt) {
	is := func(s ast.Stmt, names ...string) bool {
		e, ok := s.(*ast.ExprStmt)
		if !ok {
			return false
		}
		call, ok := e.X.(*ast.CallExpr)
		return ok && t.calls(fi, call, names...)
	}
	if s := fi.previous(region[0]); is(s, "Unlock", "RUnlock") {
		ends = s
	}
	if s := fi.next(region[len(region)-1]); is(s, "Lock", "RLock") {
		begins = s
	}
	return ends, begins
}

// methodOn returns how a statement that calls a method of the lock names the method, if it is the lock
// at hand.
func methodOn(s ast.Stmt, lock *lockExpr) (method string) {
	if e, ok := s.(*ast.ExprStmt); ok {
		if call, ok := e.X.(*ast.CallExpr); ok {
			if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && spell(sel.X) == lock.text {
				return sel.Sel.Name
			}
		}
	}
	return ""
}

// prolong moves the end of a critical section behind what follows it.
func (t *taking) prolong(ends ast.Stmt, region []ast.Stmt, spots []*spot, lock *lockExpr) bool {
	fi, method := spots[0].fi, methodOn(ends, lock)
	if method == "" || method == "RUnlock" && (writes(spots) || !onlyReads(fi, region)) || !t.straight(fi, ends, method) || jumps(fi.topLevel(ends)) {
		return false
	}
	first, last := region[0], region[len(region)-1]
	leave := []string{lock.text + "." + method + "()"}
	moves := func() {
		t.section(ends.Pos(), last.End())
		t.add(fi, &removeOp{t.base(ends)})
	}
	ways, mayRun, calm := t.waysOut(fi, region, spots), false, false
	t.withoutLock(ways, func() { mayRun, calm = t.safe(fi, region, lock) })
	if mayRun && calm {
		switch {
		case !exits(region):
			moves()
			t.ops[fi] = append(t.ops[fi], &lockOp{opBase: t.base(first), Last: last, After: leave})
			return true
		case len(ways) > 0 && !terminates(last):
			moves()
			t.ops[fi] = append(t.ops[fi], &lockOp{opBase: t.base(first), Last: last, After: leave})
			t.leaveBy(fi, ways, leave[0])
			return true
		}
	}
	if len(spots) != 1 || len(region) != 1 {
		return false
	}
	x, name := t.fetchable(spots[0], lock)
	if x == nil {
		return false
	}
	fresh := fi.fresh(first, name)
	fi.reserve(first, fresh)
	moves()
	t.ops[fi] = append(t.ops[fi], &hoistOp{opBase: t.base(first), Expr: x, Name: fresh, After: leave})
	return true
}

// straight reports whether the section that a statement ends begins in the same list, in the mode
// that the statement's method lets go of, and nothing in between touches the lock.
func (t *taking) straight(fi *fileInfo, ends ast.Stmt, method string) bool {
	list := stmtsOf(fi.parent(ends))
	for i := slices.Index(list, ends) - 1; i >= 0; i-- {
		touched := ""
		ast.Inspect(list[i], func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock", "Unlock", "RUnlock") {
				touched = "inside"
				if e, ok := list[i].(*ast.ExprStmt); ok && e.X == ast.Expr(call) {
					touched = ast.Unparen(call.Fun).(*ast.SelectorExpr).Sel.Name
				}
			}
			return touched == ""
		})
		if touched != "" {
			return touched == strings.Replace(method, "Unlock", "Lock", 1)
		}
	}
	return false
}

// advance moves the begin of a critical section before what precedes it, with the defer that ends it.
func (t *taking) advance(begins ast.Stmt, region []ast.Stmt, spots []*spot, lock *lockExpr) bool {
	fi, method := spots[0].fi, methodOn(begins, lock)
	if method == "" || method == "RLock" && (writes(spots) || !onlyReads(fi, region)) || jumps(fi.topLevel(begins)) || defers(region) {
		return false
	}
	first, last := region[0], region[len(region)-1]
	take := []string{lock.text + "." + method + "()"}
	leave := lock.text + "." + strings.Replace(method, "Lock", "Unlock", 1) + "()"
	ways := t.waysOut(fi, region, spots)
	if d, ok := fi.next(begins).(*ast.DeferStmt); ok && !branchesOut(fi, region) && t.runs(fi, region, lock) == nil && spell(d.Call.Fun)+"()" == leave {
		t.section(first.Pos(), d.End())
		t.add(fi, &lockOp{opBase: t.base(first), Last: first, Before: append(take, "defer "+leave)})
		t.ops[fi] = append(t.ops[fi], &removeOp{t.base(begins)}, &removeOp{t.base(d)})
		return true
	}
	mayRun, calm := false, false
	t.withoutLock(ways, func() { mayRun, calm = t.safe(fi, region, lock) })
	if !mayRun || !calm || terminates(last) || exits(region) && len(ways) == 0 {
		return false
	}
	t.section(first.Pos(), begins.End())
	t.add(fi, &lockOp{opBase: t.base(first), Last: first, Before: take})
	t.ops[fi] = append(t.ops[fi], &removeOp{t.base(begins)})
	t.leaveBy(fi, ways, leave)
	return true
}

// branchesOut reports whether a break or continue leaves some statements: what is deferred does not run then.
func branchesOut(fi *fileInfo, region []ast.Stmt) (found bool) {
	for _, s := range region {
		ast.Inspect(s, func(n ast.Node) bool {
			b, ok := n.(*ast.BranchStmt)
			found = found || ok && branchLeaves(fi, b, region)
			_, lit := n.(*ast.FuncLit)
			return !found && !lit
		})
	}
	return found
}

// held returns the accesses of the map in a function, or in a literal that it calls itself, that are made
// under the lock, be it for reading only.
func (t *taking) held(fn ast.Node) (list []detect.Access) {
	for _, a := range t.m.Accesses {
		if a.Owned || a.Test || a.Op == detect.Escape || !t.underGuard(a) {
			continue
		}
		if in := t.functionAt(a); in == fn || in != nil && runner(t.ix.fileAt(fn.Pos()), bodyOf(in)) == fn {
			list = append(list, a)
		}
	}
	return list
}

// underGuard reports whether an access is made under the guard, be it for reading only.
func (t *taking) underGuard(a detect.Access) bool {
	return slices.ContainsFunc(a.Locks, func(l detect.Lock) bool { return l.Name == t.m.Guard && !l.Idle })
}

// functionAt returns the function or literal that an access is in.
func (t *taking) functionAt(a detect.Access) ast.Node {
	pos := t.ix.at(a.Pos)
	if fi := t.ix.fileAt(pos); fi != nil && pos.IsValid() {
		for _, n := range fi.enclosingPath(pos) {
			switch n.(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				return n
			}
		}
	}
	return nil
}

// partOf returns an access under the lock of which a spot is the other half: one of the two reads what
// the other may change because of that. What is read to be returned leads to nothing, and what lies in the
// sections that the spot is to go into goes together with it. Who counts, and asks for the count, wants to know
// what it came to:
//
//	s.mu.Lock(); s.m[k]++; s.mu.Unlock(); log.Print(k); return s.m[k] == 3
func (t *taking) partOf(sp *spot, grown []extent) token.Pos {
	changes := writes([]*spot{sp})
	_, returned := sp.stmt.(*ast.ReturnStmt)
	asks := func(pos token.Pos) bool {
		return slices.ContainsFunc(sp.uses, func(id *ast.Ident) bool {
			key := keyAt(sp.fi, id)
			return key != nil && sp.fi.sameAt(key, pos)
		})
	}
	for _, a := range t.held(runner(sp.fi, sp.stmt)) {
		pos := t.ix.at(a.Pos)
		at := t.placeOf(sp.fi, pos)
		if at == nil || slices.ContainsFunc(grown, func(s extent) bool { return s.from <= pos && pos < s.to }) || exclusive(sp.fi, sp.stmt, at.stmt) {
			continue
		}
		if a.Op == detect.Update && !changes && pos < sp.stmt.Pos() && asks(pos) {
			return pos
		}
		if returned && !changes {
			continue
		}
		looped := sharedLoop(sp.fi, sp.stmt, at.stmt)
		if a.Op.Mutates() && !changes && (sp.stmt.Pos() < pos || looped) || !a.Op.Mutates() && changes && (pos < sp.stmt.Pos() || looped) {
			return pos
		}
	}
	return token.NoPos
}

// looksAgain reports whether spots are one question that the function leaves at, and asks again under the
// lock before it changes the map: what the first answer was does not matter then.
//
//	if v, ok := s.m[k]; ok { return v }
//	s.mu.Lock(); defer s.mu.Unlock()
//	if v, ok := s.m[k]; ok { return v }
//	s.m[k] = made
func (t *taking) looksAgain(fn ast.Node, spots []*spot) bool {
	if len(spots) != 1 || writes(spots) || len(spots[0].uses) != 1 || fn != runner(spots[0].fi, spots[0].stmt) {
		return false
	}
	sp := spots[0]
	asked := keyAt(sp.fi, sp.uses[0])
	question, ok := sp.stmt.(*ast.IfStmt)
	if !ok || asked == nil || question.Else != nil || !terminates(question.Body) || !sp.fi.keeps(asked, sp.fi.topLevel(sp.stmt)) || !t.asksOnly(sp.fi, question, sp.uses[0]) {
		return false
	}
	held := t.held(fn)
	changed := false
	for _, w := range held {
		if !w.Op.Mutates() {
			continue
		}
		changed = true
		if !slices.ContainsFunc(held, func(r detect.Access) bool {
			at := t.placeOf(sp.fi, t.ix.at(r.Pos))
			return r.Op == detect.Read && at != nil && sp.stmt.End() <= at.stmt.Pos() && t.functionAt(r) == fn && t.functionAt(w) == fn &&
				sp.fi.sameAt(asked, t.ix.at(w.Pos)) && t.decides(sp.fi, question, at.stmt, t.ix.at(w.Pos)) && t.sameSection(sp.fi, r, w)
		}) {
			return false
		}
	}
	return changed
}

// asksOnly reports whether an if asks for nothing but an element: the rest are constants, variables of its own and
// such that stay the same.
func (t *taking) asksOnly(fi *fileInfo, p *ast.IfStmt, use *ast.Ident) bool {
	init, ok := p.Init.(*ast.AssignStmt)
	if p.Init != nil && (!ok || init.Tok != token.DEFINE) {
		return false
	}
	only := true
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IndexExpr:
			if n.Pos() <= use.Pos() && use.End() <= n.X.End() {
				return false // the element itself
			}
			only = false
		case *ast.Ident:
			v, isVar := fi.object(n).(*types.Var)
			own := isVar && p.Pos() <= v.Pos() && v.Pos() < p.Body.Pos()
			only = only && (!isVar || own || fi.keeps(n, fi.topLevel(p)))
		case *ast.CallExpr:
			only = only && fi.builtin(n) == "len"
		case *ast.FuncLit, *ast.SelectorExpr, *ast.StarExpr:
			only = false
		}
		return only
	}
	if init != nil {
		ast.Inspect(init.Rhs[0], look)
	}
	ast.Inspect(p.Cond, look)
	return only
}

// decides reports whether a change is made only if the same question has been answered by no: it comes behind it,
// where its body leaves, or in the branch of the opposite one.
func (t *taking) decides(fi *fileInfo, first *ast.IfStmt, again ast.Stmt, change token.Pos) bool {
	p, ok := again.(*ast.IfStmt)
	if !ok || p.Else != nil || t.source(p.Init) != t.source(first.Init) {
		return false
	}
	switch t.source(p.Cond) {
	case t.source(first.Cond):
		list := stmtsOf(fi.parent(p))
		return terminates(p.Body) && len(list) > 0 && p.End() <= change && change < list[len(list)-1].End()
	case "!" + t.source(first.Cond):
		return p.Body.Pos() <= change && change < p.Body.End()
	}
	return false
}

// source returns a node as it is printed.
func (t *taking) source(n ast.Node) string {
	var b strings.Builder
	if n == nil {
		return ""
	}
	if err := printer.Fprint(&b, t.ix.prog.Fset, n); err != nil {
		return ""
	}
	return b.String()
}

// sameSection reports whether a look comes before a change, and the lock is not let go of in between.
func (t *taking) sameSection(fi *fileInfo, look, change detect.Access) (same bool) {
	from, to := t.ix.at(look.Pos), t.ix.at(change.Pos)
	same = from < to
	ast.Inspect(bodyOf(t.functionAt(change)), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && from < call.Pos() && call.Pos() < to && t.calls(fi, call, "Unlock", "RUnlock") && !onWayOut(fi, call) {
			same = false
		}
		return same
	})
	return same
}

// onWayOut reports whether a call that lets go of a lock is followed by a statement that leaves.
func onWayOut(fi *fileInfo, call *ast.CallExpr) bool {
	s, ok := fi.parent(call).(ast.Stmt)
	if !ok {
		return false
	}
	if _, ok := s.(*ast.DeferStmt); ok {
		return true
	}
	next := fi.next(s)
	return next != nil && terminates(next)
}

// keyAt returns the key of the element that what names a map is used for, nil if there is none.
func keyAt(fi *fileInfo, id *ast.Ident) ast.Expr {
	x, parent := fi.outer(fi.spelled(id))
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X == x {
			return p.Index
		}
	case *ast.CallExpr:
		if fi.builtin(p) == "delete" && p.Args[0] == x {
			return p.Args[1]
		}
	}
	return nil
}

// sameAt reports whether the access at a position is one of the element of a key.
func (fi *fileInfo) sameAt(key ast.Expr, pos token.Pos) bool {
	base := accessedAt(fi, pos)
	if base == nil {
		return false
	}
	id := mapVarOf(fi, base)
	other := keyAt(fi, id)
	return id != nil && other != nil && fi.same(key, other)
}
