// This file puts the lock that a map has around the accesses that miss it: the form
// "guard", which changes no type.

package rewrite

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"go/version"
	"iter"
	"slices"
	"strconv"
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
// lock, before the statement that uses it; a loop gets a copy of the map. Steps that one
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
// might lead to the access, or wait for who is there:
//
//	s.mu.Lock(); close(s.stop); s.wg.Wait() // for a goroutine that cleans s.m up
//
// The same holds for what runs under the lock from now on (lock-reach). It must be one object's
// lock all the time (lock-object), is not taken inside what another map's lock is to be taken
// for (lock-overlap), and is let go by defer where something may panic.
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
	mutators map[*ast.FuncDecl]bool // functions that change the map, see changes
	guard    token.Pos              // of the lock's declaration, once a spot has found it
	field    *types.Var
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
}

// A spotPlace is one list of statements around a spot, and which of them holds it.
type spotPlace struct {
	list []ast.Stmt
	i    int
}

// takeLocks decides about a request for the form guard, or mutex.
func (r *run) takeLocks(s *siteWork, m *detect.Map) {
	t := &taking{c: s.class, ix: r.ix, m: m, ops: map[*fileInfo][]op{}, api: r.opts.AllowAPIChange, locking: r.locking, run: r}
	at := r.ix.at(m.Pos)
	t.c.order = []*member{{pos: at, name: m.Name}}
	var spots []*spot
	copied := false
	switch {
	case s.strat == Mutex:
		if t.declare(at) {
			spots = t.allSpots(at)
		}
	case m.GuardKey == "":
		t.c.refuse("no-guard", at, "", "no lock is held at most accesses of %s", m.Name)
	case t.otherInstances(at):
	default:
		spots, copied = t.spots(at)
		if t.field != nil {
			if home := r.ix.fileAt(t.field.Pos()); home != nil {
				t.c.checkOtherBuilds(&member{pos: t.field.Pos(), name: t.field.Name(), fi: home, obj: t.field})
			}
		}
	}
	byFunc := map[ast.Node][]*spot{}
	var funcs []ast.Node
	for _, sp := range spots {
		fn := sp.fi.enclosing(sp.stmt)
		if byFunc[fn] == nil {
			funcs = append(funcs, fn)
		}
		byFunc[fn] = append(byFunc[fn], sp)
		r.locking[sp.fi.topLevel(fn)] = true
	}
	for _, fn := range funcs {
		if fn != nil && len(t.c.refusals) == 0 {
			t.function(fn, byFunc[fn])
		}
	}
	if len(t.c.refusals) == 0 && len(spots) == 0 && !copied {
		t.c.refuse("no-guard", at, "", "no access of %s misses a lock", m.Name)
	}
	s.ops = t.ops
}

// noteLocking remembers the functions that requests for the form guard will lock in: two maps
// may have one guard, and what calls such a function under it would wait for itself.
func (r *run) noteLocking(reqs []Request) {
	r.locking = map[*ast.FuncDecl]bool{}
	for _, req := range reqs {
		if req.Strategy != Guard {
			continue
		}
		races := (&taking{m: req.Map}).racing()
		for _, a := range req.Map.Accesses {
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

// spots returns the statements that need the lock, in the order of their positions.
func (t *taking) spots(decl token.Pos) (list []*spot, copied bool) {
	byStmt := map[ast.Stmt]*spot{}
	add := func(sp *spot, op detect.Op) {
		if old := byStmt[sp.stmt]; old != nil {
			old.alias = old.alias || sp.alias
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
				copied = true
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
		case !a.Bare && t.lift(sp, a, add):
			continue
		case !a.Bare:
			t.c.refuse("lock-held", pos, "", "%s may hold %s when it comes to this %s: to take it again would wait for ever", a.Func, t.m.Guard, a.Op)
			continue
		case t.lockOf(sp) == nil:
			continue // refused
		case !t.isLeaf():
			t.c.refuse("lock-waits", t.busy.Pos(), "", "under %s runs what may wait, take other locks, or come back to this %s: %s", t.m.Guard, a.Op, shortNode(t.busy))
			continue
		}
		add(sp, a.Op)
	}
	sortSpots(list)
	return list, copied
}

func sortSpots(list []*spot) {
	slices.SortStableFunc(list, func(a, b *spot) int {
		if c := strings.Compare(a.fi.path, b.fi.path); c != 0 {
			return c
		}
		return int(a.stmt.Pos() - b.stmt.Pos())
	})
}

// otherInstances refuses a field that is given the map of another object: which lock is the
// map's is not known then.
func (t *taking) otherInstances(decl token.Pos) bool {
	for _, id := range t.ix.uses[decl] {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil || t.m.Kind != detect.Field {
			continue
		}
		var value ast.Expr
		switch p := fi.parent(id).(type) {
		case *ast.KeyValueExpr:
			if p.Key == ast.Expr(id) {
				value = p.Value
			}
		case *ast.SelectorExpr:
			if a, ok := fi.parent(p).(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
				if i := slices.Index(a.Lhs, ast.Expr(p)); i >= 0 {
					value = a.Rhs[i]
				}
			}
		}
		if value != nil && t.isVar(fi, value, decl) {
			t.c.refuse("lock-alias", id.Pos(), "", "%s of one object becomes that of another here: the lock of which guards it?", t.m.Name)
			return true
		}
	}
	return false
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

// function puts the accesses of one function under the lock.
func (t *taking) function(fn ast.Node, spots []*spot) {
	first := spots[0]
	lock := t.lockOf(first)
	if lock == nil {
		return // refused
	}
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
	if at := t.unbalanced(first.fi, fn); at != nil {
		t.c.refuse("lock-unbalanced", at.Pos(), "", "%s lets go of %s, and does not take it", funcName(first.fi, fn), t.lockName())
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
				t.c.refuse("lock-reach", why.Pos(), "", "between the accesses in %s comes what may not run under %s: %s", funcName(first.fi, fn), t.lockName(), shortNode(why))
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
		if t.runs(fi, region, lock) != nil {
			return false // nor may what is around it
		}
		last := region[len(region)-1]
		if risk := panics(fi, region); risk != nil {
			if i := slices.Index(body, region[0]); i >= 0 && t.runs(fi, body[i:], lock) == nil && !defers(body[i:]) {
				t.hold(fi, region[0], lock, writes(spots))
				return true
			}
			continue
		}
		if !exits(region) {
			t.wrap(fi, region[0], last, lock, writes(spots))
			return true
		}
		if i := slices.Index(body, region[0]); i >= 0 && t.runs(fi, body[i:], lock) == nil && !defers(body[i:]) {
			t.hold(fi, region[0], lock, writes(spots))
			return true
		}
		if one, ok := region[0].(*ast.IfStmt); ok && len(spots) == 1 && one == spots[0].stmt && t.init(spots[0], one, lock, writes(spots)) {
			return true
		}
		if ways := t.waysOut(fi, region, spots); len(ways) > 0 {
			t.wrap(fi, region[0], last, lock, writes(spots))
			for _, way := range ways {
				t.ops[fi] = append(t.ops[fi], &lockOp{opBase: t.base(way), Last: way, Before: []string{lock.leave(writes(spots))}})
			}
			return true
		}
	}
	return false
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
		return !fi.inBlock(w) || slices.Contains(region, w) && len(region) == 1 || slices.ContainsFunc(spots, func(sp *spot) bool { return sp.stmt == w })
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
		body, found := (*ast.BlockStmt)(nil), false
		if sw, ok := s.(*ast.SwitchStmt); ok {
			body = sw.Body
		} else {
			body = s.(*ast.TypeSwitchStmt).Body
		}
		for _, c := range body.List {
			clause := c.(*ast.CaseClause)
			found = found || clause.List == nil
			if len(clause.Body) == 0 || !terminates(clause.Body[len(clause.Body)-1]) {
				return false
			}
		}
		return found
	}
	return false
}

// simplest reports whether the only spot of a function needs no more than its own statement.
func (t *taking) simplest(sp *spot, lock *lockExpr) bool {
	if _, ret := sp.stmt.(*ast.ReturnStmt); !ret && panics(sp.fi, []ast.Stmt{sp.stmt}) != nil {
		return false
	}
	switch sp.stmt.(type) {
	case *ast.ReturnStmt:
		return t.runs(sp.fi, []ast.Stmt{sp.stmt}, lock) == nil
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
		why = panics(fi, whole)
	}
	switch s := sp.stmt.(type) {
	case *ast.ReturnStmt:
		if why == nil {
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
	t.c.refuse("lock-reach", why.Pos(), "", "the statement at line %d cannot be put under %s as it is: %s", t.ix.pos(sp.stmt.Pos()).Line, t.lockName(), shortNode(why))
}

// wrap locks before first and unlocks behind last, statements of one list.
func (t *taking) wrap(fi *fileInfo, first, last ast.Stmt, lock *lockExpr, writes bool) {
	t.section(first.Pos(), last.End())
	if terminates(last) { // it is left by its ways out only
		t.add(fi, &lockOp{opBase: t.base(first), Last: first, Before: []string{lock.take(writes)}})
		return
	}
	t.add(fi, &lockOp{opBase: t.base(first), Last: last, Before: []string{lock.take(writes)}, After: []string{lock.leave(writes)}})
}

// hold locks before first, to the end of the function.
func (t *taking) hold(fi *fileInfo, first ast.Stmt, lock *lockExpr, writes bool) {
	t.section(first.Pos(), fi.enclosing(first).End())
	t.add(fi, &lockOp{opBase: t.base(first), Last: first, Before: []string{lock.take(writes), "defer " + lock.leave(writes)}})
}

// init moves the init of an if in front of it, under the lock: if v, ok := m[k]; ok { … }.
func (t *taking) init(sp *spot, s *ast.IfStmt, lock *lockExpr, writes bool) bool {
	assign, ok := s.Init.(*ast.AssignStmt)
	if !ok || slices.ContainsFunc(sp.calls, func(c *ast.CallExpr) bool { return c.Pos() < assign.Pos() || c.Pos() >= assign.End() }) || slices.ContainsFunc(sp.uses, func(id *ast.Ident) bool { return id.Pos() < assign.Pos() || id.Pos() >= assign.End() }) {
		return false
	}
	if t.runs(sp.fi, []ast.Stmt{assign}, lock) != nil || panics(sp.fi, []ast.Stmt{assign}) != nil || jumpedOver(sp.fi.enclosing(s), s) {
		return false
	}
	if assign.Tok == token.DEFINE && !widens(sp.fi, s, assign) {
		return false
	}
	t.section(s.Pos(), s.Pos()+1)
	t.add(sp.fi, &hoistOp{opBase: t.base(s), Before: []string{lock.take(writes)}, After: []string{lock.leave(writes)}})
	return true
}

// widens reports whether the variables of an if's init may be variables of the list around it
// instead. Names that are used there later would mean the new ones; a variable that is there
// may be used for a new one when nothing looks at it any more.
func widens(fi *fileInfo, s *ast.IfStmt, init *ast.AssignStmt) bool {
	list := stmtsOf(fi.parent(s))
	scope := fi.pkg.Info.Scopes[s].Parent()
	later := list[slices.Index(list, ast.Stmt(s))+1:]
	fresh := false
	for _, lhs := range init.Lhs {
		id, ok := lhs.(*ast.Ident)
		if !ok || id.Name == "_" {
			continue
		}
		there := scope.Lookup(id.Name)
		switch {
		case fi.widened[scope][id.Name]: // by the init of another if
			return false
		case there == nil:
			fresh = true
		case !types.Identical(there.Type(), fi.object(id).Type()) || there.Pos() > s.Pos() || inLiteral(fi, there, fi.enclosing(s)),
			there.Pos() < bodyOf(fi.enclosing(s)).Pos(): // a parameter or result: a bare return gives it
			return false
		}
		for _, l := range later {
			found := false
			ast.Inspect(l, func(n ast.Node) bool {
				if x, ok := n.(*ast.Ident); ok && x.Name == id.Name {
					obj := fi.object(x)
					found = found || obj != nil && (obj.Pos() < l.Pos() || obj.Pos() >= l.End()) && !isField(obj)
				}
				return !found
			})
			if found {
				return false
			}
		}
	}
	if fresh {
		if fi.widened == nil {
			fi.widened = map[*types.Scope]map[string]bool{}
		}
		if fi.widened[scope] == nil {
			fi.widened[scope] = map[string]bool{}
		}
		for _, lhs := range init.Lhs {
			if id, ok := lhs.(*ast.Ident); ok {
				fi.widened[scope][id.Name] = true
			}
		}
	}
	return fresh
}

func isField(obj types.Object) bool {
	v, ok := obj.(*types.Var)
	return ok && v.IsField()
}

// inLiteral reports whether a function literal in fn uses a variable of fn, or its address is taken.
func inLiteral(fi *fileInfo, v types.Object, fn ast.Node) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if u, ok := n.(*ast.UnaryExpr); ok && u.Op == token.AND {
			if id, ok := ast.Unparen(u.X).(*ast.Ident); ok && fi.pkg.Info.Uses[id] == v {
				found = true
			}
		}
		if id, ok := n.(*ast.Ident); ok && fi.pkg.Info.Uses[id] == v && fi.enclosing(id) != fn {
			found = true
		}
		return !found
	})
	return found
}

// copied lets a loop run over a copy of the map.
func (t *taking) copied(sp *spot, s *ast.RangeStmt, lock *lockExpr) bool {
	if len(sp.uses) != 1 || len(sp.calls) > 0 || !sp.fi.isMap(s.X) || isNested(sp.fi, s.X) || !t.hasMaps() {
		return false
	}
	if t.changes(sp.fi, s.Body) || mapVarOf(sp.fi, s.X) != sp.uses[0] || t.runs(sp.fi, []ast.Stmt{&ast.ExprStmt{X: s.X}}, lock) != nil || jumpedOver(sp.fi.enclosing(s), s) {
		return false
	}
	name := t.importStd(sp.fi, "maps")
	fresh := sp.fi.localName(s, sp.uses[0].Name, "snapshot")
	t.section(s.Pos(), s.Pos()+1)
	t.add(sp.fi, &hoistOp{opBase: t.base(s), Expr: s.X, Name: fresh, Call: name + ".Clone",
		Before: []string{lock.take(false)}, After: []string{lock.leave(false)}})
	t.c.note("the loop at %s runs over a copy of the map, made under %s: it takes time and memory in proportion to the map, and does not see what changes meanwhile", t.ix.pos(s.Pos()), t.lockName())
	return true
}

// localName returns a name for a new variable before a statement: want, if the function has it
// for fields only, or else something like otherwise.
func (fi *fileInfo) localName(at ast.Stmt, want, otherwise string) string {
	decl := fi.topLevel(at)
	if decl == nil {
		want = fi.fresh(at, otherwise)
		fi.reserve(at, want)
		return want
	}
	free := fi.pkg.Types.Scope().Lookup(want) == nil && !token.IsExported(want) && types.Universe.Lookup(want) == nil
	ast.Inspect(decl, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == want {
			sel, ok := fi.parent(id).(*ast.SelectorExpr)
			free = free && ok && sel.Sel == id
		}
		return free
	})
	if !free || fi.given[decl][want] {
		want = fi.fresh(at, otherwise)
	}
	if fi.given == nil {
		fi.given = map[*ast.FuncDecl]map[string]bool{}
	}
	if fi.given[decl] == nil {
		fi.given[decl] = map[string]bool{}
	}
	fi.given[decl][want] = true
	fi.reserve(at, want)
	return want
}

// hasMaps reports whether the module's Go version has the package maps.
func (t *taking) hasMaps() bool {
	v := t.ix.prog.GoVersion
	return v == "" || version.Compare("go"+v, "go1.21") >= 0
}

// changes reports whether code may change the map, in itself or in functions that it calls by
// name: a copy would not show that.
func (t *taking) changes(fi *fileInfo, n ast.Node) bool {
	if t.mutators == nil {
		t.mutators = map[*ast.FuncDecl]bool{}
		for _, a := range t.m.Accesses {
			if pos := t.ix.at(a.Pos); a.Op.Mutates() && !a.Owned && pos.IsValid() {
				if home := t.ix.fileAt(pos); home != nil {
					for _, x := range home.enclosingPath(pos) {
						if decl, ok := x.(*ast.FuncDecl); ok {
							t.mutators[decl] = true
						}
					}
				}
			}
		}
	}
	for _, a := range t.m.Accesses {
		if pos := t.ix.at(a.Pos); a.Op.Mutates() && n.Pos() <= pos && pos < n.End() {
			return true
		}
	}
	seen := map[*ast.FuncDecl]bool{}
	var visit func(fi *fileInfo, n ast.Node) bool
	visit = func(fi *fileInfo, n ast.Node) (found bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && !found {
				if decl, home := t.ix.funcDecl(fi.callee(call)); decl != nil && home != nil && decl.Body != nil && !seen[decl] {
					seen[decl] = true
					found = t.mutators[decl] || visit(home, decl.Body)
				}
			}
			return !found
		})
		return found
	}
	return visit(fi, n)
}

// importStd makes a file import a package of the standard library, and returns its name there.
func (t *taking) importStd(fi *fileInfo, path string) string {
	for _, spec := range fi.syntax.Imports {
		if spec.Path.Value == strconv.Quote(path) {
			switch {
			case spec.Name == nil:
				return path
			case spec.Name.Name != "." && spec.Name.Name != "_":
				return spec.Name.Name
			}
		}
	}
	imp := fileImport{Path: path}
	name := fi.freshImport(path)
	if name != path {
		imp.Name = name
	}
	t.c.imports[fi] = append(t.c.imports[fi], imp)
	return name
}

// fetch reads the one element, or the length, that a statement uses before it.
//
//	s.mu.RLock()
//	value := s.m[k]
//	s.mu.RUnlock()
//	value.handle(ctx)
func (t *taking) fetch(sp *spot, lock *lockExpr) bool {
	fi := sp.fi
	if len(sp.uses)+len(sp.calls) != 1 || jumpedOver(fi.enclosing(sp.stmt), sp.stmt) {
		return false
	}
	var x ast.Expr
	name := "result"
	if len(sp.calls) == 1 {
		if t := fi.pkg.Info.TypeOf(sp.calls[0]); t != nil && !isTuple(t) {
			x = sp.calls[0]
		}
	} else {
		x, name = accessOf(fi, sp.uses[0])
	}
	expr := []ast.Stmt{&ast.ExprStmt{X: x}}
	if x == nil || t.runs(fi, expr, lock) != nil || panics(fi, expr) != nil || !first(fi, sp.stmt, x) || t.tested(fi, sp.stmt, lock) {
		return false
	}
	fresh := fi.fresh(sp.stmt, name)
	fi.reserve(sp.stmt, fresh)
	t.section(sp.stmt.Pos(), sp.stmt.Pos()+1)
	t.add(fi, &hoistOp{opBase: t.base(sp.stmt), Expr: x, Name: fresh, Before: []string{lock.take(false)}, After: []string{lock.leave(false)}})
	return true
}

// tested reports whether a statement compares what the lock belongs to with nil.
func (t *taking) tested(fi *fileInfo, s ast.Stmt, lock *lockExpr) (found bool) {
	header(s, func(n ast.Node) { found = found || asksForNil(fi, n, lock) })
	return found
}

// isTuple reports whether t is what a call of several results, or of none, gives.
func isTuple(t types.Type) bool {
	_, ok := t.(*types.Tuple)
	return ok
}

// accessOf returns the expression m[k] or len(m) around what names a map, and a name for its value.
func accessOf(fi *fileInfo, id *ast.Ident) (ast.Expr, string) {
	var x ast.Expr = id
	if sel, ok := fi.parent(id).(*ast.SelectorExpr); ok && sel.Sel == id {
		x = sel
	}
	x, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X != x || fi.isMap(p) {
			return nil, ""
		}
		if a, ok := fi.parent(p).(*ast.AssignStmt); ok && len(a.Lhs) == 2 && len(a.Rhs) == 1 {
			return nil, ""
		}
		return p, "value"
	case *ast.CallExpr:
		if fi.builtin(p) == "len" {
			return p, "n"
		}
	}
	return nil, ""
}

// first reports whether x may be evaluated before everything else of its statement: nothing
// that comes before it has an effect, and the statement evaluates it once, in any case.
func first(fi *fileInfo, s ast.Stmt, x ast.Expr) bool {
	var child ast.Node = x
	for n := fi.parent(x); n != nil && child != ast.Node(s); child, n = n, fi.parent(n) {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.LAND || n.Op == token.LOR) && n.Y == child {
				return false
			}
		case *ast.IfStmt:
			if n.Cond != child || n.Init != nil || ast.Node(s) != n {
				return false
			}
		case *ast.SwitchStmt:
			if n.Tag != child || n.Init != nil {
				return false
			}
		case *ast.ForStmt, *ast.RangeStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.CaseClause, *ast.CommClause, *ast.FuncLit, *ast.LabeledStmt:
			return false
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				return false
			}
		case *ast.AssignStmt:
			if slices.Contains(n.Lhs, ast.Expr(x)) {
				return false
			}
		}
	}
	ok := true
	header(s, func(n ast.Node) {
		if n.Pos() >= x.Pos() && n.End() <= x.End() || n.Pos() <= x.Pos() && x.End() <= n.End() {
			return // part of it, or what it is an operand of
		}
		switch n := n.(type) {
		case *ast.CallExpr: // compilers call first, and read then
			if b := fi.builtin(n); !fi.isConversion(n) && b != "len" && b != "cap" {
				ok = false
			}
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		}
	})
	return ok
}

func (t *taking) base(n ast.Node) opBase { return opBase{Site: t.c.n, Node: n} }

func (t *taking) add(fi *fileInfo, o op) {
	t.ops[fi] = append(t.ops[fi], o)
	pos := t.ix.pos(o.target().Pos())
	if t.own == nil {
		t.c.note("%s is taken at %s:%d", t.m.Guard, pos.File, pos.Line)
	}
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
// with no loop around it.
func exclusive(fi *fileInfo, a, b ast.Stmt) bool {
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
		branches := holdsClauses(fi, n)
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
