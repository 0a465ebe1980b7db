// This file judges each map: which lock guards it, and which accesses can conflict.

package detect

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// result puts together what judge says of each map.
func (l *linker) result(judge func(*mapState) *Map) *Result {
	keys := make([]string, 0, len(l.maps))
	for k := range l.maps {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	r := &Result{}
	for _, k := range keys {
		if m := judge(l.maps[k]); m != nil {
			r.Maps = append(r.Maps, l.inPlace(m))
		}
	}
	r.Problems = l.rulings.problems()
	sort.SliceStable(r.Maps, func(i, j int) bool {
		a, b := r.Maps[i].Pos, r.Maps[j].Pos
		if a.Filename != b.Filename {
			return a.Filename < b.Filename
		}
		return a.Offset < b.Offset
	})
	return r
}

// listed judges a map; it returns nil for a variable that only might have held one.
func (l *linker) listed(ms *mapState) *Map {
	if ms.decl.Boxed && !ms.holdsMap() {
		return nil
	}
	return l.ruled(ms)
}

// holdsMap reports whether a variable that may hold a map is used as one.
func (ms *mapState) holdsMap() bool {
	return slices.ContainsFunc(ms.cases, func(o *occurrence) bool { return o.inner == ms.decl.Nested })
}

// A use is one access with all the ways of reaching it.
type use struct {
	acc   *AccessInfo
	at    *node
	inner bool
	live  []*occurrence
	owned []*occurrence
}

func (l *linker) judge(ms *mapState) *Map {
	d := ms.decl
	m := &Map{
		Key: d.Key, Name: d.Name, Kind: d.Kind, Type: d.Type, Package: ms.sum.Package,
		Nested: d.Nested, Holder: d.Holder, Generated: d.Generated,
	}
	byAcc := map[*AccessInfo]*use{}
	var uses []*use
	for _, o := range ms.cases {
		u := byAcc[o.acc]
		if u == nil {
			u = &use{acc: o.acc, at: o.at, inner: o.inner}
			byAcc[o.acc] = u
			uses = append(uses, u)
		}
		if o.owned {
			u.owned = append(u.owned, o)
		} else {
			u.live = append(u.live, o)
		}
	}
	j := &judgement{linker: l, decl: d, uses: uses, steps: ms.steps}
	j.findGuard()
	j.assertGuard()
	m.Guard, m.GuardHeld, m.GuardTotal, m.GuardKey = j.guardName(), j.held, j.total, j.guard
	m.GuardApart = j.guardApart()
	if j.guard == "" {
		m.GuardHeld = 0
	}
	j.findConflicts()
	j.elements(ms.elems)
	j.checkAssertion()
	j.rank()
	m.Findings, m.Odd = j.findings, j.oddOnes()
	l.judged = j
	m.Shared = j.shared
	for _, u := range uses {
		m.Accesses = append(m.Accesses, j.access(u, nil))
	}
	return m
}

type judgement struct {
	*linker
	decl        *MapDecl
	uses        []*use
	steps       []*occurrence
	guard       string
	held, total int
	partly      int // uses that hold the guard on some ways of reaching them
	shared      bool
	active      bool // a method of the holder runs as a goroutine
	concurrent  bool // the holder is made for concurrent use: it has a lock, or runs as a goroutine
	findings    []Finding
	asserted    *ruling                  // the //mapmigrate:guardedby on the declaration, or nil
	odd         map[oddKey]*verdict      // see noteOdd
	oddAt       map[*AccessInfo]*verdict // the surest one about an access that is the odd one
	lacking     map[*AccessInfo]Confidence
}

// pair is a conflict: two occurrences that can run at once, one of them changing the map,
// with no lock in common.
type pair struct {
	a, b         *occurrence
	strength, id int
}

func (j *judgement) conflict(a, b *occurrence) (pair, bool) {
	if !a.acc.Op.Mutates() && !b.acc.Op.Mutates() {
		return pair{}, false
	}
	if a.acc.Op == Escape || b.acc.Op == Escape {
		return pair{}, false
	}
	if a.inner != b.inner {
		return pair{}, false // a map and its rows are different maps
	}
	if commonLock(a, b) || phased(a, b) || j.waited(a, b) || j.waited(b, a) || before(a, b) || before(b, a) {
		return pair{}, false
	}
	s := j.overlap(a, b)
	if s == 0 {
		return pair{}, false
	}
	id := j.sameObject(a, b)
	if id == 0 || a.owner != "" && b.owner != "" && a.owner != b.owner {
		return pair{}, false
	}
	return pair{a, b, s, id}, true
}

func (j *judgement) findConflicts() {
	var live, muts []*occurrence
	for _, u := range j.uses {
		live = append(live, distinct(u.live)...)
	}
	for _, o := range live {
		if o.acc.Op.Mutates() {
			muts = append(muts, o)
		}
	}
	for _, x := range live {
		if j.shared {
			break
		}
		for _, y := range live {
			if j.overlap(x, y) > 0 && j.sameObject(x, y) > 0 {
				j.shared = true
				break
			}
		}
	}
	j.number(live)
	ratio := 0.0
	if j.total > 0 {
		ratio = float64(j.held) / float64(j.total)
	}
	if j.guard != "" && ratio >= 0.5 {
		j.shared = true
	}

	j.concurrent = j.decl.HolderLock || j.decl.Kind != Field
	j.concurrent = j.concurrent || j.whole[j.decl.Holder]
	for _, o := range live {
		if listener(o) && slices.ContainsFunc(o.frames(), func(n *node) bool { return n.info.Recv == j.decl.Holder }) {
			j.concurrent = true
		}
		j.concurrent = j.concurrent || j.outlives(o)
		if o.spawner != nil && (o.spawner.info.Recv == j.decl.Holder || o.runs() != nil && o.runs().at.info.Recv == j.decl.Holder) {
			j.concurrent = true
			j.active = j.active || o.runs() != nil && o.runs().at.info.Recv == j.decl.Holder
		}
	}
	best := map[Category]*verdict{}
	limit := 400000
	for _, a := range live {
		for _, b := range muts {
			if limit--; limit < 0 {
				break
			}
			p, ok := j.conflict(a, b)
			if !ok {
				continue
			}
			v := j.weigh(p, ratio)
			j.noteOdd(v)
			j.noteLacking(v)
			if old := best[v.cat]; old == nil || v.better(old) {
				best[v.cat] = v
			}
		}
	}
	j.escapes(best, muts, ratio)
	j.brokenSteps(best, muts)
	var vs []*verdict
	for _, v := range best {
		vs = append(vs, v)
	}
	sort.Slice(vs, func(x, y int) bool {
		if vs[x].conf != vs[y].conf {
			return vs[x].conf.Rank() > vs[y].conf.Rank()
		}
		if vs[x].score != vs[y].score {
			return vs[x].score > vs[y].score
		}
		return vs[x].cat < vs[y].cat
	})
	// One conflict is enough: of the categories that differ only in what is missing, the
	// surest stays.
	told := false
	for _, v := range vs {
		switch v.cat {
		case Unguarded, Partial, WrongLock, Iteration, Replaced:
			if told {
				continue
			}
			told = true
		}
		j.findings = append(j.findings, j.finding(v))
	}
	if j.onlyGrows() {
		j.findings = append(j.findings, Finding{Leak, Low, fmt.Sprintf("%s only grows: nothing removes an outer key", j.decl.Name), nil, ""})
	}
	if j.decl.Nested {
		j.findings = append(j.findings, Finding{NestedCat, Low, fmt.Sprintf("%s is a nested map: its rows are maps of their own", j.decl.Name), nil, ""})
	}
	if len(vs) == 0 {
		switch {
		case j.guard != "" && j.held > 0:
			j.findings = append(j.findings, Finding{Guarded, Low, fmt.Sprintf("%s is guarded by %s at %d of %d accesses", j.decl.Name, short(j.guard), j.held, j.total), nil, ""})
		default:
			j.findings = append(j.findings, Finding{Confined, Low, fmt.Sprintf("no two goroutines were seen to use %s at once, or nobody changes it", j.decl.Name), nil, ""})
		}
	}
}

// onlyGrows reports that keys are added to a nested map while the program runs and nothing
// takes one away (category leak).
func (j *judgement) onlyGrows() bool {
	if !j.decl.Nested || j.decl.Kind == Local {
		return false
	}
	grows := false
	for _, u := range j.uses {
		if u.inner {
			continue
		}
		switch u.acc.Op {
		case Write, Update:
			grows = grows || len(u.live) > 0
		case Delete, Clear, Escape:
			return false
		case Replace:
			if len(u.live) > 0 {
				return false
			}
		}
	}
	return grows
}

// brokenSteps finds changes that depend on a check made in an earlier critical section,
// while another goroutine can change the map between (rule A1).
func (j *judgement) brokenSteps(best map[Category]*verdict, muts []*occurrence) {
	for _, a := range distinct(j.steps) {
		if a.owned {
			continue
		}
		for _, b := range muts {
			s, id := j.overlap(a, b), j.sameObject(a, b)
			if s == 0 || id == 0 || a.inner != b.inner || !content(b) {
				continue
			}
			v := &verdict{pair: pair{a, b, s, id}, cat: CheckThenAct, conf: Medium, score: s + id}
			if a.acc.Step.Kind == stepOther || j.construction(a) || hushed(a) || hushed(b) {
				v.conf = Low
			}
			if old := best[CheckThenAct]; old == nil || v.better(old) {
				best[CheckThenAct] = v
			}
		}
	}
}

// rank puts the surest finding first and the inventory last; within equals the order stays.
func (j *judgement) rank() {
	sort.SliceStable(j.findings, func(x, y int) bool {
		a, b := j.findings[x], j.findings[y]
		if a.Category.Quiet() != b.Category.Quiet() {
			return b.Category.Quiet()
		}
		return a.Confidence.Rank() > b.Confidence.Rank()
	})
}

// distinct drops occurrences that say nothing new: the same locks in the same context.
func distinct(os []*occurrence) []*occurrence {
	const most = 48
	seen := map[string]bool{}
	var out []*occurrence
	for _, o := range os {
		var b strings.Builder
		if o.ctx != nil {
			b.WriteString(itoa(o.ctx.id))
		}
		for _, r := range o.held {
			b.WriteString(r.Path)
			b.WriteString(map[bool]string{true: "r;", false: "w;"}[r.Read])
		}
		b.WriteString(o.path)
		if !seen[b.String()] && len(out) < most {
			seen[b.String()] = true
			out = append(out, o)
		}
	}
	return out
}

// A verdict is a conflict with its category and confidence.
type verdict struct {
	pair
	cat   Category
	conf  Confidence
	score int
}

func (v *verdict) better(o *verdict) bool {
	if v.conf != o.conf {
		return v.conf.Rank() > o.conf.Rank()
	}
	if v.score != o.score {
		return v.score > o.score
	}
	x, y := v.a.acc.Pos, o.a.acc.Pos // compared in one function only, see place
	if v.a.at.info.Key != o.a.at.info.Key {
		return v.a.at.info.Key < o.a.at.info.Key
	}
	if x.Offset != y.Offset {
		return x.Offset < y.Offset
	}
	if v.b.at.info.Key != o.b.at.info.Key {
		return v.b.at.info.Key < o.b.at.info.Key
	}
	return v.b.acc.Pos.Offset < o.b.acc.Pos.Offset
}

// weigh finds the category of a conflict and how sure it is (rules G2 to G6).
func (j *judgement) weigh(p pair, ratio float64) *verdict {
	a, b := p.a, p.b
	ea, eb := notHeld, notHeld
	if j.guard != "" {
		ea, eb = a.guarded, b.guarded
	}
	// a is the odd one: the access that lacks the guard.
	if ea > eb || ea == eb && b.acc.Op.Mutates() && !a.acc.Op.Mutates() {
		a, b, ea, eb = b, a, eb, ea
		p.a, p.b = a, b
	}
	v := &verdict{pair: p}
	switch {
	case a.acc.Op == Replace && !content(b) || b.acc.Op == Replace && !a.acc.Op.Mutates():
		v.cat = Replaced
	case ea == heldRead && a.acc.Op.Mutates():
		v.cat = ReadLockWrite
	case a.inner:
		v.cat = InnerCat
	case a.aliased && j.guard != "" && a.loadGuarded >= heldRead:
		v.cat = EscapeCat
	case j.guard == "" || j.held == 0 && eb < heldRead:
		v.cat = Unguarded
	case j.otherLock(a):
		v.cat = WrongLock
	case a.acc.Op == Range:
		v.cat = Iteration
	case j.held >= 1 || eb >= heldRead:
		v.cat = Partial
	default:
		v.cat = Unguarded
	}
	v.conf = j.confidence(v, ea, eb, ratio)
	if v.conf == High && (j.decl.Boxed || ofContext(a) || ofContext(b) || listener(a) || listener(b) || callback(a) || callback(b)) {
		v.conf = Medium // rules I5 and G5: who knows when, and beside what, a library calls back
	}
	if content(a) {
		v.score += 4
	}
	if content(b) {
		v.score += 2
	}
	v.score += p.strength*3 + p.id*2
	if eb >= heldRead {
		v.score += 3
	}
	if a.dyn || b.dyn {
		v.score -= 3
	}
	for c := a.chain; c != nil; c = c.up {
		v.score--
	}
	return v
}

// confidence says how sure a conflict is (rules G3 and G5).
func (j *judgement) confidence(v *verdict, ea, eb evidence, ratio float64) Confidence {
	a, b := v.a, v.b
	if ea == maybeHeld || j.construction(a) || j.construction(b) {
		return Low
	}
	if generatedAPI(a) || generatedAPI(b) || j.apart(a) && v.id < 2 {
		return Low
	}
	if lent(a) && j.sometimesHeld(a) {
		return Low
	}
	quiet := hushed(a) || hushed(b) || a.dyn || b.dyn || lifecycle(a) || lifecycle(b)
	changes := content(a) || content(b)
	usual := j.guard != "" && ratio >= 0.8 && j.total >= 5
	soft := ratio // counting what holds the guard on some ways only by half
	if j.total > 0 && len(a.held)+len(a.may) == 0 && !quiet && eb >= held && strong(a.ctx.kind) {
		soft += 0.5 * float64(j.partly) / float64(j.total)
	}
	ownGuard := j.guard != "" && j.decl.HolderLock && holderOf(j.guard) == j.decl.Holder || j.decl.Kind == PackageVar && packageOf(j.guard) == packageOf(j.decl.Key)
	switch {
	case !changes:
		// Only the variable is exchanged.
		if j.held >= 3 && ratio >= 0.6 && v.strength == 2 && !quiet {
			return Medium
		}
		return Low
	case hushed(a) && !usual:
		return Low
	case v.cat == ReadLockWrite:
		if !quiet && j.held >= 2 && (v.id == 2 || ownGuard || j.encloses(j.guard)) {
			return High
		}
		return Medium // of another object: a goroutine may have the map to itself among the readers
	case usual && !lifecycle(a) && !(a.dyn && j.sometimesHeld(a)) && a.acc.Op != Replace && (eb >= heldRead || content(a)):
		return High
	case v.strength == 2 && v.id == 2 && !quiet && j.bothRun(a, b) && a.acc.Op != Replace && (j.held == 0 || eb >= heldRead || ratio >= 0.5):
		return High
	case v.cat == EscapeCat && a.aliased && !quiet && j.held >= 2 && ratio >= 0.5 && eb >= held && content(b):
		return High // taken out under the guard, used after it, changed under it
	case v.strength == 2 && !quiet && strong(a.ctx.kind) && ownGuard && (j.held >= 4 && ratio >= 0.6 || j.held >= 5 && ratio >= 0.5) && eb >= held && content(b) && definite(a) && a.acc.Op != Replace:
		return High
	case a.acc.Lazy && v.id == 2 && v.strength == 2 && j.held == 0 && a.ctx != nil && a.ctx.kind != "callback":
		return Medium // a cache that whoever calls fills
	case j.partly >= 2 && soft > ratio && soft >= 0.4 && j.encloses(j.guard) && content(a):
		return Medium // a helper runs with the guard on one way and without it on another
	case j.guard != "" && j.held >= 2 && soft >= 0.5 && (eb >= heldRead || content(a)):
		return Medium
	case v.strength == 2 && (v.id == 2 || j.concurrent && j.placed(a) && j.placed(b) || j.active && a.ctx != b.ctx && j.ownMethod(a) && j.ownMethod(b) || !quiet && (j.related(a, b) || j.related(b, a) || handedOver(a, b) || handedOver(b, a) || keyedByRequest(a, b))):
		return Medium
	case j.guard != "" && j.held >= 1 && eb >= heldRead && ratio >= 0.33 && j.decl.HolderLock && holderOf(j.guard) == j.decl.Holder:
		return Medium
	}
	return Low
}

// apart reports whether an exported function gets at the map without passing the object whose
// lock guards it elsewhere: whoever calls it may have an object of his own.
//
//	func (v Versioning) MarshalXML() … { range v.Params } // of any Versioning, not of wrapper.cfg's
func (j *judgement) apart(o *occurrence) bool {
	h := holderOf(j.guard)
	if j.guard == "" || o.ctx == nil || o.ctx.kind != "exported API" || h == j.decl.Holder || h == packageOf(j.guard) || j.decl.Kind != Field {
		return false
	}
	return rootIndex(root(o.path), 'p') >= 0 && !strings.Contains(o.path, "|"+h+".")
}

// construction reports whether an access is on the way of making its object (rule G5): of
// what the function named so has made, or is the method of.
func (j *judgement) construction(o *occurrence) bool {
	if o.making == unknown { // Have: an occurrence belongs to one map
		o.making = no
		if j.constructs(o) {
			o.making = yes
		}
	}
	return o.making == yes
}

// An answer is the answer to a question that is asked about each of many pairs.
type answer uint8

const (
	unknown answer = iota
	no
	yes
)

func (j *judgement) constructs(o *occurrence) bool {
	for c := o.chain; c != nil; c = c.up {
		if c.at == o.spawner || c.at.info.Parent != "" && o.ctx != nil && strong(o.ctx.kind) {
			continue // whoever started the goroutine, or made the literal, is done when it runs
		}
		made := !strings.HasPrefix(root(c.path), "g:") && rootIndex(root(c.path), 'p') < 0
		alone := o.ctx == nil || !strong(o.ctx.kind)
		switch {
		case nameStarts(c.at, "new", "make", "create", "must", "build", "bootstrap"):
			if made || alone && c.at.info.Recv == "" {
				return true
			}
		case nameStarts(c.at, "clone", "copy"):
			p := rootIndex(root(c.path), 'p')
			if made || p > 0 || o.acc.Op.Mutates() && (p < 0 || c.at.info.Recv == "" || nameStarts(c.at, "clonefrom", "copyfrom")) {
				return true // not a method that copies within what it is called on
			}
		case nameStarts(c.at, "unmarshal", "decode", "from"):
			if c.at.info.Recv == j.decl.Holder && rootIndex(root(c.path), 'p') == 0 {
				return true // it fills its receiver
			}
		case nameStarts(c.at, "init", "setup", "configure"):
			if made || alone && (c.at.info.Recv == j.decl.Holder || c.at.info.Recv == "") {
				return true
			}
		}
	}
	return false
}

// generatedAPI reports whether an access is in generated code that nobody in the module calls.
func generatedAPI(o *occurrence) bool {
	return o.at.info.Generated && o.ctx != nil && o.ctx.kind == "exported API" && o.ctx.at == o.at
}

// ofContext reports whether the map is reached through the value that a context has under a
// key: who put one there last is not followed (rule I5).
//
//	ctx = WithContent(ctx, new(Content)) // one that belongs to this call
//	setTag(ctx, tag)                     // ctx.Value(contentKey).(*Content).Attributes[…] = tag
func ofContext(o *occurrence) bool {
	return strings.Contains(strings.ReplaceAll(o.path, "|<-", ""), "|<")
}

func callback(o *occurrence) bool { return o.ctx != nil && o.ctx.kind == "callback" }

func listener(o *occurrence) bool { return o.ctx != nil && o.ctx.kind == "listener" }

// hushed reports whether the walk gave up, or passes what may be a callback.
func hushed(o *occurrence) bool { return o.ctx == nil || o.ctx.kind == "callback" }

// lent reports whether the way begins with an exported method that nobody in the module calls,
// and comes to the access through a function that somebody else gave to the method's object.
// Whoever gave it need not let the object out of hand (rule G5).
//
//	r.filter = &Filter{next: r.broadcast} // r calls r.filter.Push with r.mu held;
//	func (f *Filter) Flush() { f.next(…) } // who else has r.filter?
func lent(o *occurrence) bool {
	if o.ctx == nil || o.ctx.kind != "exported API" || o.ctx.at.info.Recv == "" {
		return false
	}
	for c := o.chain; c != nil && c.up != nil; c = c.up {
		if to := c.up.at.info; c.call != nil && c.call.Dyn != "" && to.Parent == "" && to.Recv != o.ctx.at.info.Recv {
			return true
		}
	}
	return false
}

// lifecycle reports whether a function on the way sounds like start-up or shutdown, where
// code often knows that it is alone (rule G5).
func lifecycle(o *occurrence) bool {
	return named(o, "load", "restore", "recover", "open", "close", "stop", "shutdown", "destroy", "replay")
}

func named(o *occurrence, words ...string) bool {
	for c := o.chain; c != nil; c = c.up {
		if c.at != o.spawner && nameStarts(c.at, words...) {
			return true
		}
	}
	return false
}

// nameStarts reports whether a function's own name begins with one of the words.
func nameStarts(at *node, words ...string) bool {
	if at.word == "" {
		n := at.info.Name
		if i := strings.LastIndexByte(n, ')'); i >= 0 && i+2 <= len(n) {
			n = n[i+2:]
		}
		if i := strings.IndexByte(n, '.'); i >= 0 {
			n = n[:i]
		}
		at.word = strings.ToLower(n)
	}
	for _, w := range words {
		if strings.HasPrefix(at.word, w) {
			return true
		}
	}
	return false
}
