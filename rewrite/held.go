// This file asks whether a function can end with a lock held that it has taken.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// A lockState says what may be known of a lock at a place: each bit is one way to be there.
type lockState uint8

const (
	lockFree   lockState = 1 << iota // the lock is free
	lockHeld                         // it is held
	lockEnding                       // it is held, and a defer lets go of it
	lockPaired                       // it is free, and a defer waits that lets go of it
)

// on returns the states of s, each changed as one statement changes it.
func (s lockState) on(from, to lockState) lockState {
	if s&from == 0 {
		return s
	}
	return s&^from | to
}

// A lockWalk follows one lock through a function, by the name that a call of Lock gives it.
type lockWalk struct {
	t     *taking
	fi    *fileInfo
	lock  *ast.CallExpr
	ends  lockState // what is so where the function ends
	jumps []*jumpTargets
	gotos bool
}

// jumpTargets are what leads out of a statement, and back to its head.
type jumpTargets struct {
	label     string
	loop      bool
	out, back lockState
}

// staysHeld reports whether the function around a call of Lock may end with the lock held, so that
// others go on holding it, we do not know how long:
//
//	func (s *S) begin() func() { s.mu.Lock(); return func() { s.mu.Unlock() } }
//	func (s *S) start() { s.mu.Lock(); go func() { defer s.mu.Unlock(); work() }() }
func (t *taking) staysHeld(fi *fileInfo, lock *ast.CallExpr) bool {
	w := &lockWalk{t: t, fi: fi, lock: lock}
	return w.function(bodyOf(fi.enclosing(lock)), lockFree)&lockHeld != 0 || w.gotos
}

// function returns what is so when a function has ended that began with s.
func (w *lockWalk) function(body *ast.BlockStmt, s lockState) lockState {
	ends, jumps := w.ends, w.jumps
	defer func() { w.ends, w.jumps = ends, jumps }()
	w.ends, w.jumps = 0, nil
	w.ends |= w.list(body.List, s)
	return w.ends
}

func (w *lockWalk) list(list []ast.Stmt, s lockState) lockState {
	for _, stmt := range list {
		s = w.stmt(stmt, "", s)
	}
	return s
}

// stmt returns what is so behind a statement; nothing, if what follows is not come to.
func (w *lockWalk) stmt(n ast.Stmt, label string, s lockState) lockState {
	if n == nil || s == 0 {
		return s
	}
	switch n := n.(type) {
	case *ast.ExprStmt:
		return w.call(n.X, s)
	case *ast.DeferStmt:
		return w.deferred(n.Call, s)
	case *ast.ReturnStmt:
		w.ends |= s
		return 0
	case *ast.BlockStmt:
		return w.list(n.List, s)
	case *ast.LabeledStmt:
		return w.stmt(n.Stmt, n.Label.Name, s)
	case *ast.BranchStmt:
		return w.branch(n, s)
	case *ast.IfStmt:
		s = w.stmt(n.Init, "", s)
		return w.list(n.Body.List, s) | w.stmt(n.Else, "", s)
	case *ast.ForStmt:
		s = w.stmt(n.Init, "", s)
		return w.loop(n.Body, n.Post, label, n.Cond != nil, s)
	case *ast.RangeStmt:
		return w.loop(n.Body, nil, label, true, s)
	case *ast.SwitchStmt:
		return w.clauses(n.Body.List, label, w.stmt(n.Init, "", s))
	case *ast.TypeSwitchStmt:
		return w.clauses(n.Body.List, label, w.stmt(n.Init, "", s))
	case *ast.SelectStmt:
		return w.clauses(n.Body.List, label, s)
	}
	return s
}

// call returns what is so behind a call that is a statement.
func (w *lockWalk) call(x ast.Expr, s lockState) lockState {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	switch {
	case !ok:
	case w.is(call, "Lock", "RLock"):
		return s.on(lockFree, lockHeld).on(lockPaired, lockEnding)
	case w.is(call, "Unlock", "RUnlock"):
		return s.on(lockHeld, lockFree).on(lockEnding, lockPaired)
	case w.fi.builtin(call) == "panic":
		return 0
	default:
		if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
			return w.function(lit.Body, s)
		}
	}
	return s
}

// deferred returns what is so behind a defer statement. A literal counts that lets go of the lock
// whatever it does.
func (w *lockWalk) deferred(call *ast.CallExpr, s lockState) lockState {
	leaves := w.is(call, "Unlock", "RUnlock")
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		leaves = w.function(lit.Body, lockHeld)&lockHeld == 0
	}
	if leaves {
		return s.on(lockHeld, lockEnding).on(lockFree, lockPaired)
	}
	return s
}

func (w *lockWalk) is(call *ast.CallExpr, methods ...string) bool {
	return w.t.calls(w.fi, call, methods...) && sameLock(w.lock, call)
}

// branch notes what a break or continue takes to where it leads.
func (w *lockWalk) branch(n *ast.BranchStmt, s lockState) lockState {
	switch n.Tok {
	case token.GOTO:
		w.gotos = true // not followed
		return 0
	case token.FALLTHROUGH:
		return s // clauses has seen to it
	}
	for i := len(w.jumps) - 1; i >= 0; i-- {
		j := w.jumps[i]
		switch {
		case n.Label != nil && j.label != n.Label.Name:
		case n.Tok == token.BREAK:
			j.out |= s
			return 0
		case j.loop:
			j.back |= s
			return 0
		}
	}
	w.gotos = true // out of a labelled block
	return 0
}

// loop returns what is so behind a loop.
func (w *lockWalk) loop(body *ast.BlockStmt, post ast.Stmt, label string, ends bool, s lockState) lockState {
	j := &jumpTargets{label: label, loop: true}
	w.jumps = append(w.jumps, j)
	for before := lockState(0); before != s; {
		before = s
		s |= w.stmt(post, "", w.list(body.List, s)|j.back)
	}
	w.jumps = w.jumps[:len(w.jumps)-1]
	if !ends {
		return j.out
	}
	return s | j.out
}

// clauses returns what is so behind a switch or select.
func (w *lockWalk) clauses(list []ast.Stmt, label string, s lockState) (out lockState) {
	j := &jumpTargets{label: label}
	w.jumps = append(w.jumps, j)
	byDefault, through := false, lockState(0)
	for _, c := range list {
		var body []ast.Stmt
		switch c := c.(type) {
		case *ast.CaseClause:
			byDefault = byDefault || c.List == nil
			body = c.Body
		case *ast.CommClause:
			byDefault = true // one of them is executed
			body = append([]ast.Stmt{c.Comm}, c.Body...)
		}
		after := w.list(body, s|through)
		through = 0
		if len(body) > 0 && isFallthrough(body[len(body)-1]) {
			through, after = after, 0
		}
		out |= after
	}
	w.jumps = w.jumps[:len(w.jumps)-1]
	if !byDefault {
		out |= s
	}
	return out | j.out
}

func isFallthrough(s ast.Stmt) bool {
	b, ok := s.(*ast.BranchStmt)
	return ok && b.Tok == token.FALLTHROUGH
}

// afterPanic returns the defer by which a function comes to run after a panic that may have left
// the lock held, nil if there is none: without a panic, the lock is free by then. Who defers may name
// the function, or get it as a value.
//
//	s.mu.Lock()
//	defer func() { s.m["calls"]++ }()
//	defer s.track("end")()
//	s.m[k] = xs[0]
//	s.mu.Unlock()
func (t *taking) afterPanic(fi *fileInfo, fn ast.Node, depth int) ast.Node {
	if depth == 0 || t.own != nil || fn == nil {
		return nil
	}
	if at := t.deferring().runs(t.ix, fi, fn); at != nil {
		return at
	}
	by := func(fi *fileInfo, call *ast.CallExpr) ast.Node {
		outer := fi.enclosing(call)
		if d, ok := fi.parent(call).(*ast.DeferStmt); ok && t.deferring().leave[fi.topLevel(d)] {
			return d
		}
		return t.afterPanic(fi, outer, depth-1)
	}
	switch fn := fn.(type) {
	case *ast.FuncLit:
		if e, p := fi.outer(fn); p != nil {
			if call, ok := p.(*ast.CallExpr); ok && call.Fun == e {
				return by(fi, call)
			}
		}
	case *ast.FuncDecl:
		for call, home := range t.callsOf(fi, fn) {
			if at := by(home, call); at != nil {
				return at
			}
		}
	}
	return nil
}

// A deferring is what is known of panics that leave a lock held, and of what runs after them.
type deferring struct {
	leave  map[*ast.FuncDecl]bool // functions in which one may come up, be it from what they call
	values []deferredValue        // function values that they defer
	names  map[string]ast.Node    // methods of interfaces that they defer
}

type deferredValue struct {
	sig *types.Signature
	at  ast.Node
}

func (t *taking) deferring() *deferring {
	if t.defers != nil {
		return t.defers
	}
	d := &deferring{leave: map[*ast.FuncDecl]bool{}, names: map[string]ast.Node{}}
	t.defers = d
	var sloppy, dynamic []*ast.FuncDecl
	for _, fi := range t.ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock") && !t.defersUnlock(fi, call) {
				sloppy = append(sloppy, fi.topLevel(call))
			}
			if sig, name := dynamicCall(fi, call); sig != nil || name != "" {
				dynamic = append(dynamic, fi.topLevel(call))
			}
			return true
		})
	}
	if len(sloppy) == 0 {
		return d
	}
	d.leave = t.ix.callersOf(append(sloppy, dynamic...))
	for _, fi := range t.ix.list {
		if strings.HasSuffix(fi.abs, "_test.go") {
			continue
		}
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			s, ok := n.(*ast.DeferStmt)
			if !ok || !d.leave[fi.topLevel(s)] {
				return true
			}
			d.add(fi, s.Call, s)
			if decl, home := t.ix.funcDecl(fi.callee(s.Call)); decl != nil && home != nil && decl.Body != nil {
				ast.Inspect(decl.Body, func(n ast.Node) bool { // a stack of clean-ups, say
					if call, ok := n.(*ast.CallExpr); ok {
						d.add(home, call, s)
					}
					return true
				})
			}
			return true
		})
	}
	return d
}

// defersUnlock reports whether a call of Lock is followed by a defer that lets go of it.
func (t *taking) defersUnlock(fi *fileInfo, lock *ast.CallExpr) bool {
	s, ok := fi.parent(lock).(*ast.ExprStmt)
	if !ok {
		return false
	}
	d, ok := fi.next(s).(*ast.DeferStmt)
	return ok && t.calls(fi, d.Call, "Unlock", "RUnlock")
}

// dynamicCall returns what a call of a function value, or of an interface's method, calls.
func dynamicCall(fi *fileInfo, call *ast.CallExpr) (sig *types.Signature, method string) {
	if fi.isConversion(call) || fi.builtin(call) != "" {
		return nil, ""
	}
	fn := fi.callee(call)
	switch {
	case fn == nil:
		if _, lit := ast.Unparen(call.Fun).(*ast.FuncLit); lit {
			return nil, ""
		}
		t := fi.pkg.Info.TypeOf(call.Fun)
		if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "context" {
			return nil, "" // a CancelFunc
		}
		sig, _ = core(t).(*types.Signature)
		return sig, ""
	case fn.Signature().Recv() != nil && types.IsInterface(fn.Signature().Recv().Type()):
		return nil, fn.Name()
	}
	return nil, ""
}

func (d *deferring) add(fi *fileInfo, call *ast.CallExpr, at ast.Node) {
	sig, name := dynamicCall(fi, call)
	if sig != nil {
		d.values = append(d.values, deferredValue{sig, at})
	}
	if name != "" && d.names[name] == nil {
		d.names[name] = at
	}
}

// runs returns where a function may be deferred that is handed around as a value, or called by
// way of an interface.
func (d *deferring) runs(ix *index, fi *fileInfo, fn ast.Node) ast.Node {
	var sig *types.Signature
	switch fn := fn.(type) {
	case *ast.FuncLit:
		e, p := fi.outer(fn)
		if call, ok := p.(*ast.CallExpr); !ok || call.Fun != e {
			sig, _ = fi.pkg.Info.TypeOf(fn).(*types.Signature)
		}
	case *ast.FuncDecl:
		obj, ok := fi.pkg.Info.Defs[fn.Name].(*types.Func)
		if !ok {
			return nil
		}
		if fn.Recv != nil && ix.asked(obj) && d.names[obj.Name()] != nil {
			return d.names[obj.Name()]
		}
		if ix.calledAsValue()[fn] {
			sig = obj.Signature()
		}
	}
	if sig == nil {
		return nil
	}
	for _, v := range d.values {
		if identicalAll(sig.Params(), v.sig.Params()) && sig.Results().Len() == v.sig.Results().Len() {
			return v.at
		}
	}
	return nil
}
