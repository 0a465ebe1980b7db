// This file puts the lock that a map has around the accesses that miss it: the form
// "guard", which changes no type. Here is where they are; sections.go and prefetch.go say what
// is put under the lock, underlock.go what may be.

package rewrite

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// Guard is the form of a Request that keeps the map as it is, and takes its guard where an
// access misses it. Map.Accesses and Map.GuardKey say where, and which.
//
// Where the accesses of a function lie close together they get one critical section:
//
//	s.mu.Lock()
//	if _, ok := s.m[k]; !ok {
//		s.m[k] = v
//	}
//	s.mu.Unlock()
//
// Where everything from the first of them to the function's end may run under the lock, it
// is held to the end, by a deferred Unlock. Otherwise what is read is fetched under the
// lock, before the statement that uses it; a loop gets a copy of the map. Where a critical section of
// the lock lies beside an access it becomes longer (beside.go), and where the map is changed under a lock
// for reading, that is taken for writing (raise.go). Steps that one
// lock used not to keep together are never put under two: then nothing would show any more
// that they belong together.
//
// # What could go wrong, and is refused
//
// A lock that is taken where it is held already waits for ever:
//
//	func (s *S) add(k string) { s.m[k]++ } // called with s.mu held, or not
//
// So no way to the access may hold it (lock-held): detection knows all of them, or nothing
// is changed. And the lock must be a leaf (lock-waits): wherever it is held now, only short
// steps run, which neither wait, nor take other locks, nor call what is not known. Else they
// might lead to the access, or wait for who is there. Where the lock is taken anyway, it may be any, to be
// held a little longer.
//
//	s.mu.Lock(); close(s.stop); s.wg.Wait() // for a goroutine that cleans s.m up
//
// A lock that a function may go on holding when it ends is no leaf (held.go): who holds it then does
// what it likes.
//
//	func (s *S) Begin() func() { s.mu.Lock(); return s.end }
//
// What is deferred may run after a panic, with the lock held that the function would have let go of
// (lock-held):
//
//	defer func() { s.m["calls"]++ }(); s.mu.Lock(); s.m[k] = xs[0]; s.mu.Unlock()
//
// The same holds for what runs under the lock from now on (lock-reach). It must be one object's
// lock all the time, and that of the map's own object wherever an access is taken for a guarded one
// (lock-object), and the map no other's, too (lock-alias). It is not taken inside
// what another map's lock is to be taken for (lock-overlap).
//
// Where something under it may panic, the lock is let go of by a defer, or not taken at all:
//
//	s.mu.Lock(); s.m[k] = int(name[0]); s.mu.Unlock() // held for ever if name is ""
//
// panics.go says what may: what came out of a map may be nil, and so may all that comes of it, and the
// map itself where the source shows that it is nil at times (nilmaps.go), and what a call returns beside an
// answer that nothing looks at. Other pointers that variables hold, and other maps, are not looked for:
// every access to a field would be one. But where a deferred
// function recovers and wants the lock itself, all pointers may be nil. Of libraries only what is known
// never to panic runs under a lock that no defer lets go of.
//
// To take a lock is to use what it belongs to. Where only a condition leads to that, it may be nil
// when the condition does not hold (owner.go):
//
//	s, ok := reg[k]; if ok && s.m[k] > 0 { … } // no s.mu.Lock() before the if
//
// A copy of the map for a loop has entries that are deleted meanwhile, and the values that were
// there. There is none where the loop's body, or whom it calls or waits for, may change the map
// (stale.go), nor where a function literal or an iterator may look at it later.
const Guard = "guard"

// lockName is what messages call the lock.
func (t *taking) lockName() string {
	if t.own != nil {
		return t.own.name
	}
	return t.m.Guard
}

// A taking is that work for one map.
type taking struct {
	c        *class // collects refusals, notes and imports
	ix       *index
	m        *detect.Map
	ops      map[*fileInfo][]op
	api      bool                   // --allow-api-change
	leaf     int                    // see isLeaf; 0: not known yet
	busy     ast.Node               // why it is none
	own      *ownLock               // of the form mutex
	locking  map[*ast.FuncDecl]bool // functions that this rewrite makes take locks: not to be called under one
	run      *run
	mutators map[*ast.FuncDecl]bool // functions that change the map, see mutating
	changing []string               // … and the names of the methods that come to them, see changers
	owner    types.Object           // what the lock's name begins with in the function at hand
	way      []*types.Var           // the fields on the way to it
	guard    token.Pos              // of the lock's declaration, once a spot has found it
	field    *types.Var

	lifted    map[*ast.CallExpr]bool                  // calls that need the lock, see lift
	ownerless ast.Node                                // what may run where the lock has no owner, see runs
	given     map[*ast.FuncDecl]map[types.Object]bool // see fromMap
	doubted   map[*ast.FuncDecl]map[types.Object]bool // see unchecked
	rescued   map[*ast.FuncDecl]bool                  // see isRescued
	unset     int                                     // see mapMayBeNil; 0: not known yet
	left      map[ast.Node]bool                       // statements that come when the lock has been let go of, see withoutLock
	raised    map[ast.Node]bool                       // see raise
	atOnce    map[*ast.FuncLit]bool                   // see runsAt
	madeRows  map[token.Pos]bool                      // see rowsMade
	defers    *deferring                              // see afterPanic
}

// A spot is a statement with accesses that miss the lock.
type spot struct {
	fi     *fileInfo
	stmt   ast.Stmt     // the innermost one in a list of statements
	uses   []*ast.Ident // what names the map in it, nested statements excepted
	places []spotPlace  // the lists that it lies in, innermost first
	ops    []detect.Op
	calls  []*ast.CallExpr // that need the lock, see lift
	lock   *lockExpr       // of a call that needs it; nil for that of uses
	alias  bool            // it has the map by another name: it goes with where that got it, or not at all
	busy   *detect.Access  // the lock is no leaf: it may only be held for longer, where it is taken anyway
	inner  bool            // some use is in a function literal that the statement calls, see runsAt
}

// A spotPlace is one list of statements around a spot, and which of them holds it.
type spotPlace struct {
	list []ast.Stmt
	i    int
}

// takeLocks decides about a request for the form guard, or mutex.
func (r *run) takeLocks(s *siteWork, m *detect.Map) {
	t := &taking{c: s.class, ix: r.ix, m: m, ops: map[*fileInfo][]op{}, api: r.opts.AllowAPIChange, locking: r.locking, run: r, lifted: map[*ast.CallExpr]bool{}, given: map[*ast.FuncDecl]map[types.Object]bool{}}
	at := r.ix.at(m.Pos)
	t.c.order = []*member{{pos: at, name: m.Name}}
	var spots []*spot
	done := false // something needs no section
	switch {
	case s.strat == Mutex:
		if t.declare(at) {
			spots = t.allSpots(at)
		}
	case m.GuardKey == "":
		t.c.refuse("no-guard", at, "", "no lock is held at most accesses of %s", m.Name)
	case t.otherInstances(at), t.otherOwner(at):
	default:
		spots, done = t.spots(at)
		if t.field != nil {
			if home := r.ix.fileAt(t.field.Pos()); home != nil {
				t.c.checkOtherBuilds(&member{pos: t.field.Pos(), name: t.field.Name(), fi: home, obj: t.field})
			}
		}
	}
	byFunc := map[ast.Node][]*spot{}
	var funcs []ast.Node
	var locks []*ast.FuncDecl
	for _, sp := range spots {
		fn := sp.fi.enclosing(sp.stmt)
		if byFunc[fn] == nil {
			funcs = append(funcs, fn)
		}
		byFunc[fn] = append(byFunc[fn], sp)
		if decl := sp.fi.topLevel(fn); !r.locking[decl] {
			r.locking[decl] = true
			locks = append(locks, decl)
		}
	}
	if sp := inOneCall(spots); sp != nil {
		t.c.refuse("lock-steps", sp.stmt.Pos(), "", "%s uses %s in steps that belong together, and one of them is in a function literal", funcName(sp.fi, runner(sp.fi, sp.stmt)), t.m.Name)
	}
	for _, fn := range funcs {
		if fn != nil && len(t.c.refusals) == 0 {
			t.function(fn, byFunc[fn])
		}
	}
	if len(t.c.refusals) == 0 && len(spots) == 0 && !done {
		t.c.refuse("no-guard", at, "", "no access of %s misses a lock", m.Name)
	}
	if len(t.c.refusals) > 0 {
		r.letGo(t.c.n)
		for _, decl := range locks {
			delete(r.locking, decl)
		}
	} else if t.own != nil {
		t.noteFields()
		t.simplerLock()
	}
	s.ops = t.ops
}

// ledTo reports whether one lock may be taken while another is held, where requests for the form
// guard take it: none of their locks is held where another is taken now, see isLeaf.
//
//	s.connMu.Lock(); s.conns[k] += s.users[k]; s.connMu.Unlock() // gets s.userMu inside
//	s.userMu.Lock(); s.users[k] -= s.conns[k]; s.userMu.Unlock() // gets s.connMu inside
func (r *run) ledTo(from, to string) bool {
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(at string) bool {
		if at == to || seen[at] {
			return at == to
		}
		seen[at] = true
		return slices.ContainsFunc(r.lockOrder[at], visit)
	}
	return visit(from)
}

// noteLocking remembers the functions that requests for the form guard, or for one in place of which
// it may come, will lock in: two maps
// may have one guard, and what calls such a function under it would wait for itself. It remembers
// which locks are held there, too.
func (r *run) noteLocking(reqs []Request) {
	r.locking, r.lockOrder = map[*ast.FuncDecl]bool{}, map[string][]string{}
	for _, req := range reqs {
		if req.Map.GuardKey == "" || req.Strategy != Guard && req.Otherwise == "" {
			continue
		}
		races := (&taking{m: req.Map}).racing()
		for _, a := range req.Map.Accesses {
			for _, l := range a.Locks {
				if races(a) && l.Name != req.Map.Guard {
					r.lockOrder[l.Name] = append(r.lockOrder[l.Name], req.Map.Guard)
				}
			}
			places := []token.Position{a.Pos}
			if !a.Bare {
				places = a.Bares // the lock belongs to its callers
			}
			for _, p := range places {
				pos := r.ix.at(p)
				if !races(a) || !pos.IsValid() {
					continue
				}
				if fi := r.ix.fileAt(pos); fi != nil {
					for _, n := range fi.enclosingPath(pos) {
						if decl, ok := n.(*ast.FuncDecl); ok {
							r.locking[decl] = true
						}
					}
				}
			}
		}
	}
}

// spots returns the statements that need the lock, in the order of their positions, and whether
// something else has been done about accesses that miss it.
func (t *taking) spots(decl token.Pos) (list []*spot, done bool) {
	byStmt := map[ast.Stmt]*spot{}
	add := func(sp *spot, op detect.Op) {
		if old := byStmt[sp.stmt]; old != nil {
			old.alias = old.alias || sp.alias
			old.busy = cmp.Or(old.busy, sp.busy)
			if old.lock == nil {
				old.lock = sp.lock
			} else if sp.lock != nil && (sp.lock.text != old.lock.text || sp.lock.root != old.lock.root) {
				t.c.refuse("lock-object", sp.stmt.Pos(), "", "calls that need the locks of two objects are one statement here")
			}
			old.calls = append(old.calls, sp.calls...)
			for _, id := range sp.uses {
				if !slices.Contains(old.uses, id) {
					old.uses = append(old.uses, id)
				}
			}
			sp = old
		} else {
			byStmt[sp.stmt] = sp
			list = append(list, sp)
		}
		sp.ops = append(sp.ops, op)
	}
	races := t.racing()
	for _, a := range t.m.Accesses {
		if !races(a) || a.Owned || a.Test || a.Op == detect.Escape && !t.handsOut(a) || a.Op != detect.Escape && t.holds(a) {
			continue
		}
		pos := t.ix.at(a.Pos)
		fi := t.ix.fileAt(pos)
		switch {
		case fi == nil || fi.path == "" || !pos.IsValid():
			t.c.refuse("lock-reach", decl, "", "the %s in %s is not in the module's own source", a.Op, a.Func)
			continue
		case fi.generated:
			t.c.refuse("generated", pos, "", "%s is in a generated file", a.Func)
			continue
		}
		sp := t.spotAt(fi, pos, decl)
		switch {
		case a.Op == detect.Escape || sp == nil:
			w := t.outWalk(decl)
			if w.copyOut(fi, pos) {
				done = true
				continue
			}
			loads := w.together(fi, pos, decl)
			if loads == nil || !a.Bare || t.lockOf(loads[0]) == nil || !t.isLeaf() {
				w.refuse(pos, a)
				continue
			}
			sp = t.placeOf(fi, pos)
			sp.alias = true
			for _, l := range loads {
				sp.uses = append(sp.uses, l.uses...)
				add(l, detect.Read)
			}
		case !a.Bare && t.raise(sp, a):
			done = true
			continue
		case !a.Bare && t.lift(sp, a, add):
			continue
		case !a.Bare:
			t.c.refuse("lock-held", pos, "", "%s may hold %s when it comes to this %s: to take it again would wait for ever", a.Func, t.m.Guard, a.Op)
			continue
		case t.lockOf(sp) == nil:
			continue // refused
		case !t.isLeaf() && !t.isBeside(sp):
			t.refuseBusy(a)
			continue
		case !t.isLeaf():
			sp.busy = &a
		}
		if i := slices.IndexFunc(a.Locks, func(l detect.Lock) bool { return l.Name != t.m.Guard && t.run.ledTo(t.m.Guard, l.Name) }); i >= 0 {
			t.c.refuse("lock-overlap", pos, "", "%s is held at this %s, and other code would take it while it holds %s: each could wait for the other", a.Locks[i].Name, a.Op, t.m.Guard)
			continue
		}
		if at := t.afterPanic(fi, fi.enclosing(sp.stmt), 5); at != nil {
			t.c.refuse("lock-held", pos, "", "what is deferred at %s comes to this %s: after a panic, %s may be held by then", t.ix.pos(at.Pos()), a.Op, t.m.Guard)
			continue
		}
		add(sp, a.Op)
	}
	for _, sp := range slices.Clone(list) {
		if slices.Contains(sp.ops, detect.Replace) {
			for _, asks := range t.asksNil(sp, decl) {
				add(asks, detect.Read)
			}
		}
	}
	sortSpots(list)
	t.noteBare(races)
	return list, done
}

// noteBare says which accesses go on without the lock.
func (t *taking) noteBare(races func(detect.Access) bool) {
	var bare []string
	for _, a := range t.m.Accesses {
		if !races(a) && !t.holds(a) && !a.Owned && !a.Test && a.Op != detect.Escape {
			bare = append(bare, fmt.Sprintf("%s at %s", a.Func, t.ix.pos(t.ix.at(a.Pos))))
		}
	}
	if len(bare) > 0 {
		slices.Sort(bare)
		bare = slices.Compact(bare)
		more := ""
		if len(bare) > 3 {
			more = fmt.Sprintf(" and %d more places", len(bare)-3)
			bare = bare[:3]
		}
		t.c.note("%s goes on without %s in %s%s: no likely conflict was seen there", t.m.Name, t.m.Guard, strings.Join(bare, ", "), more)
	}
}

// asksNil returns the places where the function of a spot asks whether the map is nil, which detection
// counts as no access: the answer and what is done about it belong together.
//
//	if s.m == nil { s.m = map[string]int{} }
func (t *taking) asksNil(sp *spot, decl token.Pos) (list []*spot) {
	fn := sp.fi.enclosing(sp.stmt)
	if fn == nil || t.takesIn(sp.fi, fn) {
		return nil // which may be where it asks
	}
	for _, id := range t.ix.uses[decl] {
		if t.ix.fileAt(id.Pos()) != sp.fi || sp.fi.enclosing(id) != fn {
			continue
		}
		_, parent := sp.fi.outer(sp.fi.spelled(id))
		if c, ok := parent.(*ast.BinaryExpr); ok && (sp.fi.isNil(c.X) || sp.fi.isNil(c.Y)) {
			if at := t.placeOf(sp.fi, id.Pos()); at != nil {
				at.uses = []*ast.Ident{id}
				list = append(list, at)
			}
		}
	}
	return list
}

// takesIn reports whether a function takes the lock somewhere.
func (t *taking) takesIn(fi *fileInfo, fn ast.Node) (found bool) {
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock")
		return !found
	})
	return found
}

// refuseBusy says why the lock is no leaf.
func (t *taking) refuseBusy(a detect.Access) {
	if fi := t.ix.fileAt(t.busy.Pos()); fi != nil {
		if call, ok := t.busy.(*ast.CallExpr); ok && t.calls(fi, call, "Lock", "RLock") && t.staysHeld(fi, call) {
			t.c.refuse("lock-waits", call.Pos(), "", "%s takes %s here and may end while it is held: what runs until it is let go of may wait, take other locks, or come back to this %s", funcName(fi, fi.enclosing(call)), t.m.Guard, a.Op)
			return
		}
	}
	t.c.refuse("lock-waits", t.busy.Pos(), "", "under %s runs what may wait, take other locks, or come back to this %s: %s", t.m.Guard, a.Op, shortNode(t.busy))
}

func sortSpots(list []*spot) {
	slices.SortStableFunc(list, func(a, b *spot) int {
		if c := strings.Compare(a.fi.path, b.fi.path); c != 0 {
			return c
		}
		return int(a.stmt.Pos() - b.stmt.Pos())
	})
}

// racing returns which accesses are to take the lock: those of the conflicts that are likely,
// or, where none is, of all. Others need not race: before the map is shared, say.
func (t *taking) racing() func(detect.Access) bool {
	least := detect.Low
	if slices.ContainsFunc(t.m.Accesses, func(a detect.Access) bool { return a.Odd.Rank() >= detect.Medium.Rank() }) {
		least = detect.Medium
	}
	return func(a detect.Access) bool {
		return a.Odd.Rank() >= least.Rank() || slices.ContainsFunc(t.m.Findings, func(f detect.Finding) bool {
			return f.Confidence == detect.Confirmed && slices.ContainsFunc(f.Accesses, func(b detect.Access) bool { return a.Pos == b.Pos })
		})
	}
}

// handsOut reports whether a finding is about an access that hands the map out.
func (t *taking) handsOut(a detect.Access) bool {
	return slices.ContainsFunc(t.m.Findings, func(f detect.Finding) bool {
		return f.Category == detect.EscapeCat && slices.ContainsFunc(f.Accesses, func(b detect.Access) bool { return b.Op == detect.Escape && b.Pos == a.Pos })
	})
}

// holds reports whether an access holds the guard in the mode that it needs.
func (t *taking) holds(a detect.Access) bool {
	return slices.ContainsFunc(a.Locks, func(l detect.Lock) bool {
		return l.Name == t.m.Guard && !l.Idle && (!l.Read || !a.Op.Mutates())
	})
}

// spotAt returns the statement at a position, or nil if it does not name the map.
func (t *taking) spotAt(fi *fileInfo, pos, decl token.Pos) *spot {
	sp := t.placeOf(fi, pos)
	if sp == nil {
		return nil
	}
	if base := accessedAt(fi, pos); base != nil {
		if !t.isVar(fi, base, decl) && !t.isRowOf(fi, base, decl) {
			return nil
		}
		sp.uses = []*ast.Ident{mapVarOf(fi, rowMap(base))}
		return sp
	}
	header(sp.stmt, func(n ast.Node) {
		if id, ok := n.(*ast.Ident); ok && slices.Contains(t.ix.uses[decl], id) {
			sp.uses = append(sp.uses, id)
		}
	})
	if len(sp.uses) == 0 {
		return nil
	}
	return sp
}

// rowMap returns m of m[a], a row of a nested map, and anything else as it is.
func rowMap(x ast.Expr) ast.Expr {
	if e, ok := ast.Unparen(x).(*ast.IndexExpr); ok {
		return e.X
	}
	return x
}

func (t *taking) isRowOf(fi *fileInfo, x ast.Expr, decl token.Pos) bool {
	e, ok := ast.Unparen(x).(*ast.IndexExpr)
	return ok && t.isVar(fi, e.X, decl)
}

// placeOf returns the statement at a position, or nil if it is in none.
func (t *taking) placeOf(fi *fileInfo, pos token.Pos) *spot {
	sp := &spot{fi: fi}
	var child ast.Node
	for _, n := range fi.enclosingPath(pos) {
		if _, ok := n.(*ast.FuncLit); ok && sp.stmt != nil {
			break
		}
		if _, ok := n.(*ast.FuncDecl); ok {
			break
		}
		if s, ok := child.(ast.Stmt); ok && !holdsClauses(fi, n) {
			if i := slices.Index(stmtsOf(n), s); i >= 0 {
				if sp.stmt == nil {
					sp.stmt = s
				}
				sp.places = append(sp.places, spotPlace{stmtsOf(n), i})
			}
		}
		child = n
	}
	if sp.stmt == nil {
		return nil
	}
	return sp
}

// holdsClauses reports whether n is the block of a switch or select, whose statements are
// its clauses.
func holdsClauses(fi *fileInfo, n ast.Node) bool {
	switch fi.parent(n).(type) {
	case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		_, block := n.(*ast.BlockStmt)
		return block
	}
	return false
}

// header calls f for the nodes of a statement that are not in a nested list of statements,
// nor in a function literal.
func header(s ast.Stmt, f func(ast.Node)) {
	ast.Inspect(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil:
			return false
		case *ast.FuncLit:
			return false
		case *ast.BlockStmt:
			if ast.Node(s) != n {
				return false
			}
		case *ast.CommClause:
			return false
		}
		f(n)
		return true
	})
}

func (t *taking) base(n ast.Node) opBase { return opBase{Site: t.c.n, Node: n} }

func (t *taking) add(fi *fileInfo, o op) {
	t.ops[fi] = append(t.ops[fi], o)
	pos := t.ix.pos(o.target().Pos())
	if t.own == nil {
		t.c.note("%s is taken at %s:%d", t.m.Guard, pos.File, pos.Line)
	}
}

func funcName(fi *fileInfo, fn ast.Node) string {
	if decl, ok := fn.(*ast.FuncDecl); ok {
		return decl.Name.Name
	}
	if decl := fi.topLevel(fn); decl != nil {
		return "a function literal of " + decl.Name.Name
	}
	return "a function literal"
}

// mapVarOf returns what names the map in x, if x is no more than its name.
func mapVarOf(fi *fileInfo, x ast.Expr) *ast.Ident {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	}
	return nil
}

// shortNode quotes the beginning of a node.
func shortNode(n ast.Node) string {
	switch n := n.(type) {
	case ast.Expr:
		return shortExpr(n)
	case *ast.ReturnStmt:
		return "a return"
	case *ast.GoStmt:
		return "a go statement"
	case *ast.DeferStmt:
		return "a defer statement"
	case *ast.SelectStmt:
		return "a select"
	case *ast.SendStmt:
		return "a send"
	case *ast.ExprStmt:
		return shortExpr(n.X)
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."), "Stmt")) + " statement"
}
