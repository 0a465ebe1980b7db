// This file judges each map: which lock guards it, and which accesses can conflict.

package detect

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// evidence is what an occurrence says about one lock.
type evidence uint8

const (
	notHeld evidence = iota
	maybeHeld
	heldRead
	held
)

func (l *linker) lockKey(path string) string {
	k, _ := mapKey(path, "")
	if lastSelector(path) == "[]" {
		return k + "[]"
	}
	return k
}

// unnamed reports whether a lock has no key: it could be any lock (rule L6).
func unnamed(key string) bool { return key == "" || strings.HasSuffix(key, "sync.Cond.L") }

// evidenceFor reports how an occurrence holds the lock with that key.
func (l *linker) evidenceFor(o *occurrence, refs []LockRef, may []string, key string) evidence {
	best := notHeld
	raise := func(e evidence) {
		if e > best {
			best = e
		}
	}
	for _, r := range refs {
		k := l.lockKey(r.Path)
		switch {
		case unnamed(k):
			raise(maybeHeld)
		case k != key:
		case otherInstance(r.Path, o.path):
			// Rule L5: a lock of another object guards nothing here.
		case r.Read:
			raise(heldRead)
		default:
			raise(held)
		}
	}
	for _, m := range may {
		if k := l.lockKey(m); k == key && !otherInstance(m, o.path) || unnamed(k) {
			raise(maybeHeld)
		}
	}
	return best
}

// otherInstance reports whether a lock evidently belongs to another object of the type
// that holds the map: both objects are known, and they differ.
func otherInstance(lock, m string) bool {
	lh, mh := parent(lock), m
	for lastSelector(mh) == "[]" {
		mh = parent(mh)
	}
	mh = parent(mh)
	if lh == "" || mh == "" || lh == mh || hasPrefix(mh, lh) {
		return false
	}
	lt, mt := holderOf(lastSelector(lock)), holderOf(lastSelector(strings.TrimRight(trimElems(m), "|")))
	if lt != mt {
		return false
	}
	return known(lh) && known(mh)
}

func trimElems(p string) string {
	for lastSelector(p) == "[]" {
		p = parent(p)
	}
	return p
}

func holderOf(sel string) string {
	if i := strings.LastIndexByte(sel, '.'); i >= 0 {
		return sel[:i]
	}
	return sel
}

// known reports whether a path denotes one definite object.
func known(p string) bool {
	r := root(p)
	if r[0] == '@' {
		if i := strings.LastIndexByte(r, ':'); i >= 0 {
			r = r[i+1:]
		}
	}
	return (r[0] == 'p' || r[0] == 'g' || r[0] == 'a') && !strings.Contains(p, "|[]") && !strings.Contains(p, "|<-")
}

// overlap says how surely two occurrences can run at the same time: 0 not, 1 if callers
// are concurrent, 2 there are two goroutines (rules C1 to C6).
func (l *linker) overlap(a, b *occurrence) int {
	if a.ctx != nil && b.ctx != nil {
		return overlapping(a.ctx, b.ctx)
	}
	l.classify(a)
	l.classify(b)
	switch {
	case a.ctxCount == 0 || b.ctxCount == 0:
		return 0
	case a.ctxStrong || b.ctxStrong:
		return 2
	}
	return 1
}

// classify counts the contexts of an occurrence whose walk gave up.
func (l *linker) classify(o *occurrence) {
	if o.classified {
		return
	}
	o.classified = true
	l.eachCtx(o, func(c *runContext) bool {
		if c.kind != "init" {
			o.ctxCount++
			o.ctxStrong = o.ctxStrong || strong(c.kind)
		}
		return true
	})
}

func (l *linker) eachCtx(o *occurrence, f func(*runContext) bool) {
	if o.ctx != nil {
		f(o.ctx)
		return
	}
	for i, w := range o.ctxSet {
		for b := 0; w != 0; b++ {
			if w&1 != 0 && !f(l.ctxs[i*64+b]) {
				return
			}
			w >>= 1
		}
	}
}

func strong(k string) bool {
	return k == "go" || k == "http handler" || k == "rpc handler" || k == "contract" || k == "listener"
}

func overlapping(x, y *runContext) int {
	if x.kind == "init" || y.kind == "init" {
		return 0
	}
	if x == y {
		switch {
		case strong(x.kind) && x.multi:
			return 2
		case x.kind == "exported API", x.kind == "callback":
			return 1
		}
		return 0
	}
	if strong(x.kind) || strong(y.kind) {
		return 2
	}
	if x.kind == "main" && y.kind == "main" || x.kind == "test" || y.kind == "test" {
		return 0
	}
	return 1
}

// sameObject says how surely two occurrences are about the same map: 2 evident, 1 the same
// field of perhaps different objects, 0 evidently different objects (rule I1).
func (l *linker) sameObject(a, b *occurrence) int {
	if strings.HasPrefix(root(a.path), "g:") && strings.HasPrefix(root(b.path), "g:") && !strings.Contains(trimElems(a.path), "|[]") {
		return 2
	}
	if l.ofThisRun(a) && l.ofThisRun(b) {
		return 0
	}
	if a.spawner != nil && b.spawner != nil && a.spawner == b.spawner && trimElems(a.origin) == trimElems(b.origin) {
		if a.ctx == b.ctx && a.perLoop {
			return 0
		}
		if l.onOne(a) && l.onOne(b) && known(trimElems(a.origin)) {
			return 2
		}
	}
	if a.ctx != nil && a.ctx == b.ctx && (a.perLoop && b.perLoop || a.spawner != nil && !global(a.path) && !l.onOne(a) && !l.onOne(b)) {
		if l.elsewhere(a) {
			return 1
		}
		return 0 // goroutines started in a loop, each on an element of its own
	}
	if l.passes(a, b) || l.passes(b, a) {
		return 2
	}
	if a.ctx != nil && a.ctx == b.ctx && a.spawner == nil && a.ctx.multi && strong(a.ctx.kind) && known(a.path) && (rootIndex(root(a.path), 'p') == 0 || l.around(a)) {
		return 2
	}
	if a.spawner == nil && b.spawner == nil && a.path == b.path && known(a.path) && l.around(a) && l.around(b) {
		return 2 // two literals of one function, which made the object
	}
	return 1
}

// elsewhere reports whether the object belongs to a function that the goroutine does not run:
// it came in a literal, through a channel or a variable.
//
//	pool.jobs <- func() { sums[f] = sum(f) } // a worker runs it
func (l *linker) elsewhere(o *occurrence) bool {
	r := root(o.path)
	i := strings.LastIndexByte(r, ':')
	if r[0] != '@' || i < 0 || o.spawner == nil || l.inSpawner(o, r) {
		return false
	}
	return !slices.ContainsFunc(o.frames(), func(n *node) bool { return n.info.Key == r[1:i] })
}

// onOne reports whether all goroutines that a go statement starts are given one object.
func (l *linker) onOne(o *occurrence) bool {
	if o.perLoop || !l.inSpawner(o, root(o.bound)) {
		return false
	}
	b := o.bound
	return known(b) || b != "" && strings.HasPrefix(b[strings.LastIndexByte(b, ':')+1:], "c") && !strings.Contains(b, "|[]") && !strings.Contains(b, "|<-")
}

func global(p string) bool { return strings.HasPrefix(root(p), "g:") }

// ofThisRun reports whether the object was made by a call that is on the way to the access:
// another goroutine that takes the same way has made another one.
func (j *linker) ofThisRun(o *occurrence) bool {
	if strings.Contains(o.path, "|<-") || j.elsewhere(o) {
		return false // it came through a channel, or in a literal made elsewhere
	}
	r := root(o.path)
	if r[0] == 'a' || r[0] == 'c' {
		return o.spawner == nil
	}
	if p := rootIndex(r, 'p'); p >= 0 && o.spawner == nil && o.ctx != nil && (o.ctx.kind == "http handler" || o.ctx.kind == "rpc handler") {
		return p > 0 || o.ctx.at.info.Recv == "" || o.ctx.at.info.Parent != "" // the request's own
	}
	i := strings.LastIndexByte(r, ':')
	if r[0] != '@' || i < 0 || i+1 >= len(r) || r[i+1] != 'a' && r[i+1] != 'c' {
		return false
	}
	return !j.inSpawner(o, r) && !j.around(o)
}

// around reports whether the object belongs to a function around the literal that the
// context runs: all runs of the literal share it.
func (l *linker) around(o *occurrence) bool {
	r := root(o.path)
	i := strings.LastIndexByte(r, ':')
	if r[0] != '@' || i < 0 || o.ctx == nil || o.ctx.at == nil || o.spawner != nil {
		return false
	}
	for n := l.nodes[o.ctx.at.info.Parent]; n != nil; n = l.nodes[n.info.Parent] {
		if n.info.Key == r[1:i] {
			return true
		}
	}
	return false
}

// inSpawner reports whether a root belongs to the function that started the goroutine, or to
// one around it. Other frames are the goroutine's own.
func (j *linker) inSpawner(o *occurrence, r string) bool {
	i := strings.LastIndexByte(r, ':')
	if r[0] != '@' || i < 0 {
		return true
	}
	for n := o.spawner; n != nil; n = j.nodes[n.info.Parent] {
		if n.info.Key == r[1:i] {
			return true
		}
	}
	return false
}

// passes reports whether b's way leads, after the spawn, through a frame in which the
// object that a's goroutine was started on is known: the function that started it, or one
// that got the object from it.
//
//	func NewQueue() *Queue { q := new(Queue); go q.loop(); return q }
//	func serve()           { q := NewQueue(); q.Add(1) } // the queue of q.loop
func (l *linker) passes(a, b *occurrence) bool {
	if a.spawner == nil || !known(a.origin) && (a.origin[0] != 'c' || strings.Contains(a.origin, "|[]")) {
		return false
	}
	for c := b.chain; c != nil; c = c.up {
		if c.at == a.spawner && c.path == a.origin && c.pubGo {
			return true
		}
	}
	for _, f := range l.heirs(a.spawner, a.origin) {
		for c := b.chain; c != nil; c = c.up {
			if c.at == f.at && c.path == f.path {
				return true
			}
		}
	}
	return false
}

// before reports whether b belongs to the function that started a's goroutine, and comes
// before that: the go statement orders them.
func before(a, b *occurrence) bool {
	if a.spawner == nil || b.ctx == nil || strong(b.ctx.kind) && b.ctx.multi {
		return false
	}
	for c := b.chain; c != nil; c = c.up {
		if c.at != a.spawner || c.at == b.spawner || trimElems(c.path) != trimElems(a.origin) {
			continue
		}
		if c.up == nil && b.acc.Seq || c.up != nil && c.call != nil && c.call.Seq {
			return true
		}
	}
	return false
}

// phased reports whether one function started both goroutines, and joined the first before it
// started the second.
func phased(a, b *occurrence) bool {
	if a.spawner == nil || a.spawner != b.spawner || a.ctx == b.ctx || a.ctx.call == nil || b.ctx.call == nil {
		return false
	}
	x, y := a.ctx.call, b.ctx.call
	if x.Clean && y.Clean && x.Loop > 0 && y.Loop > 0 {
		return true
	}
	return x.Phase != y.Phase && x.Phase != manyPhases && y.Phase != manyPhases
}

// waited reports whether a comes after its function, or a caller, waited for b's goroutine
// to end: on a channel that it closes, or a WaitGroup that it is counted by, of the object
// (rule O3).
//
//	func (j *janitor) loop()  { defer close(j.done); … }
//	func (j *janitor) Close() { close(j.quit); <-j.done; clear(j.expiry) }
func (l *linker) waited(a, b *occurrence) bool {
	if len(a.after) == 0 || b.spawner == nil {
		return false
	}
	ends := func(keys []string) bool {
		for _, k := range keys {
			if slices.Contains(a.after, k) {
				return true
			}
		}
		return false
	}
	if c := b.runs(); c != nil && ends(c.at.info.Ends) {
		return true
	}
	c := b.chain
	return c != nil && c.call != nil && c.call.Group != "" && ends([]string{c.call.Group})
}

// A frame is a path in a function.
type frame struct {
	at   *node
	path string
}

// heirs lists the frames that get an object from the function that started a goroutine on
// it: those that are returned the object made and started there.
func (l *linker) heirs(n *node, path string) []frame {
	k := frame{n, path}
	if out, ok := l.heirsOf[k]; ok {
		return out
	}
	var out []frame
	queue := []frame{k}
	seen := map[frame]bool{k: true}
	add := func(f frame, made bool) {
		if seen[f] {
			return
		}
		seen[f] = true
		queue = append(queue, f)
		if made {
			out = append(out, f)
		}
	}
	returned := map[frame]bool{}
	for len(queue) > 0 && len(seen) < 60 {
		f := queue[0]
		queue = queue[1:]
		r := root(f.path)
		for i := range f.at.callers {
			e := &f.at.callers[i]
			if e.kind != edgeCall || e.dyn {
				continue
			}
			if rootIndex(r, 'p') >= 0 && !returned[f] {
				if p, arg := l.lift(f.at, e, f.path); arg != nil && arg.Fresh {
					add(frame{e.from, p}, false)
				}
				continue
			}
			for _, p := range within(f.at, f.path) {
				for k, res := range f.at.info.Results {
					if res.Root == root(p) && e.call.ID >= 0 {
						t := frame{e.from, "c" + itoa(int(e.call.ID)) + "_" + itoa(k) + rest(p)}
						returned[t] = true
						add(t, true)
					}
				}
			}
		}
	}
	if l.heirsOf == nil {
		l.heirsOf = map[frame][]frame{}
	}
	l.heirsOf[k] = out
	return out
}

// within lists the names of a path in a function that put its object into others: the
// inverse of unalias.
func within(n *node, path string) []string {
	out := []string{path}
	for i := 0; i < len(out) && len(out) < 8; i++ {
		for _, a := range n.info.Aliases {
			if a.Path == root(out[i]) {
				out = append(out, a.Base+rest(out[i]))
			}
		}
	}
	return out
}

// related reports whether b's way leads through a frame that had shared the object with a
// goroutine, from which a's was started: not the same path, but the frame knows that what
// it goes on using is within reach of what it started.
//
//	ctrl.lister = &lister{volume: v}
//	go ctrl.Run(stop)        // starts the worker that reads v
//	v.Annotations["k"] = "v"
func (l *linker) related(a, b *occurrence) bool {
	if a.spawner == nil {
		return false
	}
	for c := b.chain; c != nil; c = c.up {
		if !c.pubGo || c.at == a.spawner {
			continue
		}
		for i, w := range a.spawner.ctxs {
			for bit := 0; w != 0; bit++ {
				if w&1 != 0 && l.ctxs[i*64+bit].at == c.at {
					return true
				}
				w >>= 1
			}
		}
	}
	return false
}

func (l *linker) result() *Result {
	keys := make([]string, 0, len(l.maps))
	for k := range l.maps {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	r := &Result{}
	for _, k := range keys {
		r.Maps = append(r.Maps, l.ruled(l.maps[k]))
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

// A use is one access with all the ways of reaching it.
type use struct {
	acc   *AccessInfo
	at    *node
	inner bool
	live  []*occurrence
	owned int
}

func (l *linker) judge(ms *mapState) *Map {
	d := ms.decl
	m := &Map{
		Key: d.Key, Name: d.Name, Kind: d.Kind, Type: d.Type, Package: ms.sum.Package,
		Pos: ms.sum.position(d.Pos), Nested: d.Nested, Holder: d.Holder, Generated: d.Generated,
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
			u.owned++
		} else {
			u.live = append(u.live, o)
		}
	}
	j := &judgement{linker: l, decl: d, uses: uses, steps: ms.steps}
	j.findGuard()
	j.assertGuard()
	m.Guard, m.GuardHeld, m.GuardTotal = j.guardName(), j.held, j.total
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
	sort.SliceStable(m.Accesses, func(x, y int) bool {
		a, b := m.Accesses[x], m.Accesses[y]
		if a.Pos.Filename != b.Pos.Filename {
			return a.Pos.Filename < b.Pos.Filename
		}
		if a.Pos.Offset != b.Pos.Offset {
			return a.Pos.Offset < b.Pos.Offset
		}
		return a.Op < b.Op
	})
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
}

// findGuard elects the lock that most not-owned accesses hold (rule G1).
func (j *judgement) findGuard() {
	var list []string
	for _, u := range j.uses {
		for _, o := range u.live {
			for _, r := range o.held {
				k := j.lockKey(r.Path)
				if !unnamed(k) && (j.decl.Kind == Local || !strings.HasPrefix(k, "local:")) && !slices.Contains(list, k) {
					list = append(list, k)
				}
			}
		}
	}
	sort.Strings(list)
	best := -1
	for _, k := range list {
		t := j.tally(k)
		weight := 2*t.all + t.some
		if weight == 0 || !j.near(k) && 2*t.all < t.total {
			continue // a lock of somebody far up the stack happens to be held
		}
		score := weight * 4
		if holderOf(k) == j.decl.Holder {
			score += 3
		}
		if j.hinted(k) {
			score += 2
		}
		if score > best {
			best = score
			j.guard, j.held, j.partly, j.total = k, t.all, t.some, t.total
		}
	}
	if j.guard == "" {
		j.total = j.tally("").total
	}
}

// A tally counts the uses of a map by how they hold a lock: on all ways of reaching them,
// or on some.
type tally struct{ all, some, total int }

func (j *judgement) tally(key string) tally {
	var t tally
	for _, u := range j.uses {
		if len(u.live) == 0 || u.acc.Op == Escape {
			continue
		}
		t.total++
		with, without := 0, 0
		for _, o := range u.live {
			if o.ctx == nil && with+without > 0 {
				continue // the walk gave up; other ways say more
			}
			if j.evidenceFor(o, o.held, nil, key) >= heldRead || o.aliased && j.evidenceFor(o, o.loadHeld, nil, key) >= heldRead {
				with++
			} else {
				without++
			}
		}
		switch {
		case with > 0 && without == 0:
			t.all++
		case with > 0:
			t.some++
		}
	}
	return t
}

// near reports whether a lock may well be meant for the map: it is declared in the same
// package, or belongs to an object around the holder.
func (j *judgement) near(key string) bool {
	return j.decl.Kind == Local || packageOf(key) == packageOf(j.decl.Key) || j.encloses(key)
}

// encloses reports whether a lock belongs to an object around the holder, or to the holder.
func (j *judgement) encloses(key string) bool {
	for _, u := range j.uses {
		for _, o := range u.live {
			for _, r := range o.held {
				if h := parent(r.Path); h != "" && j.lockKey(r.Path) == key && hasPrefix(o.path, h) {
					return true
				}
			}
		}
	}
	return false
}

// packageOf returns the import path at the start of a key.
func packageOf(key string) string {
	i := strings.LastIndexByte(key, '/') + 1
	if d := strings.IndexByte(key[i:], '.'); d >= 0 {
		return key[:i+d]
	}
	return key
}

// pair is a conflict: two occurrences that can run at once, one of them changing the map,
// with no lock in common.
type pair struct {
	a, b         *occurrence
	strength, id int
}

// number gives the locks that occurrences hold bits, so that conflicts are quick to rule out.
func (j *judgement) number(live []*occurrence) {
	bits := map[string]uint64{}
	for _, o := range live {
		o.heldW, o.heldR, o.heldMay, o.loadW, o.loadR, o.wild = 0, 0, 0, 0, 0, false
		o.owner = ""
		for _, r := range o.held {
			// Rule I2: objects embedded in different owners, each guarded by its
			// owner's lock, are different objects.
			if h := parent(r.Path); h != "" && hasPrefix(o.path, h) && h != parent(trimElems(o.path)) {
				o.owner = holderOf(lastSelector(r.Path))
			}
		}
		see := func(path string, mask *uint64) {
			k := j.lockKey(path)
			if unnamed(k) {
				o.wild = o.wild || mask != &o.loadR && mask != &o.loadW
				return
			}
			if otherInstance(path, o.path) {
				return // rule L5
			}
			b, ok := bits[k]
			if !ok {
				b = 1 << min(len(bits), 63)
				bits[k] = b
			}
			*mask |= b
		}
		for _, r := range o.held {
			if r.Read {
				see(r.Path, &o.heldR)
			} else {
				see(r.Path, &o.heldW)
			}
		}
		for _, p := range o.may {
			see(p, &o.heldMay)
		}
		for _, r := range o.loadHeld {
			if r.Read {
				see(r.Path, &o.loadR)
			} else {
				see(r.Path, &o.loadW)
			}
		}
	}
}

// commonLock reports whether two occurrences exclude each other, or might.
func commonLock(a, b *occurrence) bool {
	if a.wild || b.wild {
		return true
	}
	x, y := a.masks(), b.masks()
	if a.aliased && !content(b) && b.acc.Op.Mutates() {
		x = lockMasks{w: a.loadW, r: a.loadR} // what b replaces was read there
	}
	if b.aliased && !content(a) && a.acc.Op.Mutates() {
		y = lockMasks{w: b.loadW, r: b.loadR}
	}
	return x.w&(y.w|y.r|y.may) != 0 || y.w&(x.r|x.may) != 0 || x.may&y.r != 0 || y.may&x.r != 0
}

// lockMasks are the locks an occurrence holds: to write, to read, perhaps.
type lockMasks struct{ w, r, may uint64 }

func (o *occurrence) masks() lockMasks { return lockMasks{o.heldW, o.heldR, o.heldMay} }

// content reports whether an operation changes what a map holds that others may have got
// hold of. Replacing the variable does not, nor does filling what it was just replaced by.
func content(o *occurrence) bool {
	return o.acc.Op.Mutates() && o.acc.Op != Replace && !o.acc.Filling
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
		j.findings = append(j.findings, Finding{Leak, Low, fmt.Sprintf("%s only grows: nothing removes an outer key", j.decl.Name), nil})
	}
	if j.decl.Nested {
		j.findings = append(j.findings, Finding{NestedCat, Low, fmt.Sprintf("%s is a nested map: its rows are maps of their own", j.decl.Name), nil})
	}
	if len(vs) == 0 {
		switch {
		case j.guard != "" && j.held > 0:
			j.findings = append(j.findings, Finding{Guarded, Low, fmt.Sprintf("%s is guarded by %s at %d of %d accesses", j.decl.Name, short(j.guard), j.held, j.total), nil})
		default:
			j.findings = append(j.findings, Finding{Confined, Low, fmt.Sprintf("no two goroutines were seen to use %s at once, or nobody changes it", j.decl.Name), nil})
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
	x, y := v.a.acc.Pos, o.a.acc.Pos
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
		ea = j.evidenceFor(a, a.held, a.may, j.guard)
		eb = j.evidenceFor(b, b.held, b.may, j.guard)
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
	case a.aliased && j.guard != "" && j.evidenceFor(a, a.loadHeld, nil, j.guard) >= heldRead:
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
	if v.conf == High && (listener(a) || listener(b)) {
		v.conf = Medium // going by a name, a library was taken to start goroutines
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

// otherLock reports whether a lock is held that looks as if it were meant to guard the map:
// of the same holder, or local to the function.
func (j *judgement) otherLock(o *occurrence) bool {
	for _, r := range o.held {
		k := j.lockKey(r.Path)
		if k != j.guard && !unnamed(k) && (holderOf(k) == j.decl.Holder || strings.HasPrefix(k, "local:")) {
			return true
		}
	}
	return false
}

func (j *judgement) confidence(v *verdict, ea, eb evidence, ratio float64) Confidence {
	a, b := v.a, v.b
	if ea == maybeHeld || j.construction(a) || j.construction(b) {
		return Low
	}
	if generatedAPI(a) || generatedAPI(b) {
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
		if !quiet && j.held >= 2 {
			return High
		}
		return Medium
	case usual && !lifecycle(a) && !(a.dyn && j.sometimesHeld(a)) && a.acc.Op != Replace && (eb >= heldRead || content(a)):
		return High
	case v.strength == 2 && v.id == 2 && !quiet && j.bothRun(a, b) && a.acc.Op != Replace && (j.held == 0 || eb >= heldRead || ratio >= 0.5):
		return High
	case v.cat == EscapeCat && a.aliased && !quiet && j.held >= 2 && ratio >= 0.5 && eb >= held && content(b):
		return High // taken out under the guard, used after it, changed under it
	case v.strength == 2 && !quiet && strong(a.ctx.kind) && ownGuard && j.held >= 4 && ratio >= 0.6 && eb >= held && content(b) && definite(a):
		return High
	case a.acc.Lazy && v.id == 2 && v.strength == 2 && j.held == 0 && a.ctx != nil && a.ctx.kind != "callback":
		return Medium // a cache that whoever calls fills
	case j.partly >= 2 && soft > ratio && soft >= 0.4 && j.encloses(j.guard) && content(a):
		return Medium // a helper runs with the guard on one way and without it on another
	case j.guard != "" && j.held >= 2 && soft >= 0.5 && (eb >= heldRead || content(a)):
		return Medium
	case v.strength == 2 && (v.id == 2 || j.concurrent && definite(a) && definite(b) || j.active && a.ctx != b.ctx && j.ownMethod(a) && j.ownMethod(b) || !quiet && (j.related(a, b) || j.related(b, a) || handedOver(a, b) || handedOver(b, a) || keyedByRequest(a, b))):
		return Medium
	case j.guard != "" && j.held >= 1 && eb >= heldRead && ratio >= 0.33 && j.decl.HolderLock && holderOf(j.guard) == j.decl.Holder:
		return Medium
	}
	return Low
}

// handedOver reports whether a goes on using what it sent through a channel, and b uses what
// it got from one.
func handedOver(a, b *occurrence) bool { return a.handed && strings.Contains(b.path, "|<-") }

// keyedByRequest reports whether a handler reaches an object through an element of what it
// shares: two requests with one key reach one object.
func keyedByRequest(a, b *occurrence) bool {
	if a.ctx == nil || a.ctx != b.ctx || a.spawner != nil || a.ctx.kind != "http handler" && a.ctx.kind != "rpc handler" {
		return false
	}
	r := root(a.path)
	return trimElems(a.path) == trimElems(b.path) && strings.Contains(trimElems(a.path), "|[]") && (rootIndex(r, 'p') == 0 || strings.HasPrefix(r, "g:"))
}

// sometimesHeld reports whether some other way to the same access holds the guard.
func (j *judgement) sometimesHeld(o *occurrence) bool {
	for _, u := range j.uses {
		if u.acc != o.acc {
			continue
		}
		for _, x := range u.live {
			if j.evidenceFor(x, x.held, x.may, j.guard) > notHeld {
				return true
			}
		}
	}
	return false
}

// bothRun reports whether two occurrences run in goroutines that are seen to be started, or
// one in a goroutine that the other's own function started.
func (j *judgement) bothRun(a, b *occurrence) bool {
	return strong(a.ctx.kind) && strong(b.ctx.kind) || j.passes(a, b) || j.passes(b, a)
}

// construction reports whether an access is on the way of making its object (rule G5): of
// what the function named so has made, or is the method of.
func (j *judgement) construction(o *occurrence) bool {
	for c := o.chain; c != nil; c = c.up {
		if c.at == o.spawner {
			continue // whoever started the goroutine is done when it runs
		}
		made := !strings.HasPrefix(root(c.path), "g:") && rootIndex(root(c.path), 'p') < 0
		alone := o.ctx == nil || !strong(o.ctx.kind)
		switch {
		case nameStarts(c.at, "new", "make", "create", "must", "build", "bootstrap"):
			if made || alone && c.at.info.Recv == "" {
				return true
			}
		case nameStarts(c.at, "clone", "copy"):
			if made || rootIndex(root(c.path), 'p') > 0 || o.acc.Op.Mutates() {
				return true
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

// definite reports whether the occurrence reaches its map from the receiver of the context's
// own function, or from a package variable.
func definite(o *occurrence) bool {
	if o.ctx == nil || o.dyn {
		return false
	}
	own := func(p string) bool {
		r := root(p)
		return (rootIndex(r, 'p') == 0 || strings.HasSuffix(r, ":p0") || strings.HasPrefix(r, "g:")) && known(p)
	}
	c := o.runs()
	return own(o.path) || c != nil && own(c.path) || root(o.path) == "u" && o.boundMethod()
}

// ownMethod reports whether the map belongs to the receiver of a method of its holder that is
// on the way to the access.
func (j *judgement) ownMethod(o *occurrence) bool {
	for c := o.chain; c != nil; c = c.up {
		if c.at.info.Recv == j.decl.Holder && rootIndex(root(c.path), 'p') == 0 && known(c.path) {
			return true
		}
	}
	return false
}

// boundMethod reports whether the way to the access begins with a method value of the map's
// holder, whose receiver no path names.
func (o *occurrence) boundMethod() bool {
	for c := o.chain; c != nil && c.up != nil; c = c.up {
		if c.call != nil && (c.call.Dyn != "" || c.call.Ext != "") && c.up.at.info.Recv != "" && rootIndex(root(c.up.path), 'p') == 0 && known(c.up.path) {
			return true
		}
	}
	return false
}

// frames lists the functions on the way to the access.
func (o *occurrence) frames() []*node {
	var out []*node
	for c := o.chain; c != nil; c = c.up {
		out = append(out, c.at)
	}
	return out
}

// runs is the frame of the function that a goroutine runs, nil in other contexts.
func (o *occurrence) runs() *link {
	if o.spawner == nil || o.chain == nil || o.chain.at != o.spawner {
		return nil
	}
	return o.chain.up
}

// generatedAPI reports whether an access is in generated code that nobody in the module calls.
func generatedAPI(o *occurrence) bool {
	return o.at.info.Generated && o.ctx != nil && o.ctx.kind == "exported API" && o.ctx.at == o.at
}

func listener(o *occurrence) bool { return o.ctx != nil && o.ctx.kind == "listener" }

// hushed reports whether the walk gave up, or passes what may be a callback.
func hushed(o *occurrence) bool { return o.ctx == nil || o.ctx.kind == "callback" }

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
	n := at.info.Name
	if i := strings.LastIndexByte(n, ')'); i >= 0 && i+2 <= len(n) {
		n = n[i+2:]
	}
	if i := strings.IndexByte(n, '.'); i >= 0 {
		n = n[:i]
	}
	n = strings.ToLower(n)
	for _, w := range words {
		if strings.HasPrefix(n, w) {
			return true
		}
	}
	return false
}

// escapes finds maps that leave a critical section by return (rule G4).
func (j *judgement) escapes(best map[Category]*verdict, muts []*occurrence, ratio float64) {
	if j.guard == "" || j.held == 0 {
		j.escapesUnguarded(best, muts)
		return
	}
	for _, u := range j.uses {
		if !u.acc.Sent && (!u.acc.Return || !exportedName(u.at.info.Name) && !u.at.info.Exported) {
			continue
		}
		for _, o := range u.live {
			if j.evidenceFor(o, o.held, nil, j.guard) < heldRead && j.evidenceFor(o, o.loadHeld, nil, j.guard) < heldRead {
				continue
			}
			for _, b := range muts {
				if !content(b) || j.overlap(o, b) == 0 || b.inner != o.inner {
					continue
				}
				if eb := j.evidenceFor(b, b.held, b.may, j.guard); eb < held {
					continue
				}
				v := &verdict{pair: pair{o, b, j.overlap(o, b), 1}, cat: EscapeCat, conf: Medium}
				if ratio < 0.5 || j.held < 2 {
					v.conf = Low
				}
				j.noteOdd(v)
				if old := best[EscapeCat]; old == nil || v.better(old) {
					best[EscapeCat] = v
				}
			}
		}
	}
}

// escapesUnguarded finds getters that return a map which goroutines fill under a lock of their
// own, which no reader can take.
func (j *judgement) escapesUnguarded(best map[Category]*verdict, muts []*occurrence) {
	for _, v := range best {
		if v.conf.Rank() >= Medium.Rank() {
			return // the conflict itself says more
		}
	}
	for _, u := range j.uses {
		if !u.acc.Return || !exportedName(u.at.info.Name) {
			continue
		}
		for _, o := range distinct(u.live) {
			for _, b := range muts {
				if !content(b) || len(b.held) == 0 || len(o.held) > 0 || b.ctx == nil || !strong(b.ctx.kind) || b.inner != o.inner || j.construction(b) {
					continue
				}
				if s, id := j.overlap(o, b), j.sameObject(o, b); s > 0 && id > 0 {
					v := &verdict{pair: pair{o, b, s, id}, cat: EscapeCat, conf: Medium}
					if old := best[EscapeCat]; old == nil || v.better(old) {
						best[EscapeCat] = v
					}
				}
			}
		}
	}
}

// finding renders a verdict.
func (j *judgement) finding(v *verdict) Finding {
	f := Finding{Category: v.cat, Confidence: v.conf}
	a, b := j.access(&use{acc: v.a.acc, at: v.a.at, inner: v.a.inner, live: []*occurrence{v.a}}, v.a),
		j.access(&use{acc: v.b.acc, at: v.b.at, inner: v.b.inner, live: []*occurrence{v.b}}, v.b)
	f.Accesses = []Access{a, b}
	f.Message = j.message(v, a, b)
	return f
}

var verbs = map[Op]string{Read: "reads", Write: "writes", Update: "updates", Delete: "deletes from", Range: "ranges over", Len: "takes the length of", Clear: "clears", Replace: "replaces", Escape: "hands out"}
var nouns = map[Op]string{Read: "read", Write: "write", Update: "update", Delete: "delete", Range: "range", Len: "len", Clear: "clear", Replace: "replacement", Escape: "escape"}

func (j *judgement) message(v *verdict, a, b Access) string {
	if v.cat == Element {
		return j.elementMessage(v, a, b)
	}
	what := "it"
	if v.a.inner {
		what = "a row of it"
	}
	guard := j.guardName()
	under := "without a lock"
	if len(b.Locks) > 0 {
		under = "under " + b.Locks[0].Name
		for _, l := range b.Locks {
			if l.Name == guard {
				under = "under " + guard
			}
		}
	}
	other := fmt.Sprintf("%s %s %s %s%s", b.Func, verbs[b.Op], what, under, from(b))
	if a.Pos == b.Pos {
		other = "another goroutine can do the same at the same time"
	}
	counted := fmt.Sprintf("which %d of %d accesses hold", j.held, j.total)
	if j.asserted != nil {
		counted = "which its declaration asks for"
	}
	name := short(j.decl.Key)
	if j.decl.Kind == Local {
		name = j.decl.Name
	}
	switch v.cat {
	case ReadLockWrite:
		return fmt.Sprintf("%s of %s under a read lock of %s in %s%s; %s", nouns[a.Op], name, guard, a.Func, from(a), other)
	case EscapeCat:
		if v.a.acc.Sent {
			return fmt.Sprintf("%s sends %s itself through a channel, although %s guards it (%d of %d accesses): whoever receives it uses it without the lock while %s", a.Func, name, guard, j.held, j.total, other)
		}
		if v.a.acc.Return && j.held == 0 {
			return fmt.Sprintf("%s returns %s itself: callers use it without a lock while %s", a.Func, name, other)
		}
		if v.a.acc.Return && v.a.acc.Op == Escape {
			return fmt.Sprintf("%s returns %s itself, although %s guards it (%d of %d accesses): callers use it without the lock while %s", a.Func, name, guard, j.held, j.total, other)
		}
		return fmt.Sprintf("%s of %s in %s%s after %s was released, under which the map was fetched; %s", nouns[a.Op], name, a.Func, from(a), guard, other)
	case Unguarded:
		return fmt.Sprintf("%s of %s without a lock in %s%s; %s", nouns[a.Op], name, a.Func, from(a), other)
	case WrongLock:
		return fmt.Sprintf("%s of %s in %s%s holds %s but not %s, %s; %s", nouns[a.Op], name, a.Func, from(a), lockNames(a), guard, counted, other)
	case InnerCat:
		if guard == "" {
			return fmt.Sprintf("%s of a row of %s without a lock in %s%s; %s", nouns[a.Op], name, a.Func, from(a), other)
		}
		return fmt.Sprintf("%s of a row of %s without %s in %s%s, %s; %s", nouns[a.Op], name, guard, a.Func, from(a), counted, other)
	case CheckThenAct:
		if v.a.acc.Step.Kind == stepUpdate {
			return fmt.Sprintf("%s of %s in %s%s stores what it computed from a value read in an earlier critical section of %s: a change in between is lost; %s", nouns[a.Op], name, a.Func, from(a), short(j.lockKey(v.a.acc.Step.Lock)), other)
		}
		return fmt.Sprintf("%s of %s in %s%s relies on a check made in an earlier critical section of %s, and does not look again; %s", nouns[a.Op], name, a.Func, from(a), short(j.lockKey(v.a.acc.Step.Lock)), other)
	case Replaced:
		return fmt.Sprintf("the variable %s itself is replaced: %s of it in %s%s, while %s", name, nouns[a.Op], a.Func, from(a), other)
	}
	return fmt.Sprintf("%s of %s without %s in %s%s, %s; %s", nouns[a.Op], name, guard, a.Func, from(a), counted, other)
}

func lockNames(a Access) string {
	var out []string
	for _, l := range a.Locks {
		out = append(out, l.Name)
	}
	if len(out) == 0 {
		return "another lock"
	}
	return strings.Join(out, ", ")
}

func from(a Access) string {
	if len(a.Contexts) == 0 {
		return ""
	}
	return " (" + a.Contexts[0] + ")"
}

// access renders a use; with only set, in that one way of reaching it.
func (j *judgement) access(u *use, only *occurrence) Access {
	s := u.at.sum
	a := Access{
		Op: u.acc.Op, Pos: s.position(u.acc.Pos), Func: u.at.info.Name, Inner: u.inner,
		Test: u.at.info.Test, LoopDepth: int(u.acc.Loop), Owned: len(u.live) == 0 && u.owned > 0,
	}
	names := map[string]bool{}
	for _, o := range u.live {
		j.eachCtx(o, func(c *runContext) bool {
			names[c.name] = true
			return len(names) < 8
		})
	}
	for n := range names {
		a.Contexts = append(a.Contexts, n)
	}
	sort.Strings(a.Contexts)
	a.Locked = len(u.live) > 0
	for i, o := range u.live {
		here := map[Lock]bool{}
		for _, r := range o.held {
			k := j.lockKey(r.Path)
			if unnamed(k) || otherInstance(r.Path, o.path) {
				continue
			}
			name := short(k)
			if strings.HasPrefix(k, "local:") {
				name = "a local lock"
			}
			here[Lock{name, r.Read}] = true
		}
		exclusive := false
		for l := range here {
			exclusive = exclusive || !l.Read
		}
		a.Locked = a.Locked && exclusive
		if i == 0 {
			for l := range here {
				a.Locks = append(a.Locks, l)
			}
			continue
		}
		var both []Lock
		for _, l := range a.Locks {
			switch {
			case here[l]:
				both = append(both, l)
			case here[Lock{l.Name, !l.Read}]:
				both = append(both, Lock{l.Name, true})
			}
		}
		a.Locks = both
	}
	sort.Slice(a.Locks, func(x, y int) bool {
		return a.Locks[x].Name < a.Locks[y].Name || a.Locks[x].Name == a.Locks[y].Name && !a.Locks[x].Read
	})
	if len(u.live) > 0 {
		o := only
		if o == nil {
			o = u.live[0]
		}
		a.Path = j.way(o, a)
	}
	return a
}

// way spells out the way from the context's root to the access.
func (j *judgement) way(o *occurrence, a Access) []Step {
	var out []Step
	var chain []*link
	for c := o.chain; c != nil; c = c.up {
		chain = append(chain, c)
	}
	for i, c := range chain {
		if c.call == nil {
			continue
		}
		at := c.at.sum.position(c.call.Pos)
		callee := "a function value"
		if i+1 < len(chain) {
			callee = chain[i+1].at.info.Name
		}
		switch {
		case i == 0 && o.spawner != nil:
			note := fmt.Sprintf("%s starts %s in a goroutine", c.at.info.Name, callee)
			if o.ctx != nil && o.ctx.kind == "http handler" {
				note = fmt.Sprintf("%s registers %s as an HTTP handler", c.at.info.Name, callee)
			}
			if o.ctx != nil && o.ctx.multi && o.ctx.kind == "go" {
				note += ", in a loop"
			}
			out = append(out, Step{at, note})
		default:
			out = append(out, Step{at, fmt.Sprintf("%s calls %s", c.at.info.Name, callee)})
		}
	}
	if o.spawner == nil && o.ctx != nil && len(chain) > 0 {
		root := chain[0].at
		p := root.sum.position(root.info.Pos)
		if p.Line > 0 {
			out = append([]Step{{p, o.ctx.name}}, out...)
		}
	}
	if st := o.acc.Step; st != nil {
		out = append(out, Step{o.at.sum.position(st.Pos), fmt.Sprintf("%s looks the key up here, then gives %s back", o.at.info.Name, short(j.lockKey(st.Lock)))})
	}
	if o.aliased && o.acc.LoadP.valid() {
		out = append(out, Step{o.at.sum.position(o.acc.LoadP), "the map is fetched from its variable here"})
	}
	locks := "without a lock"
	if len(a.Locks) > 0 {
		locks = "under " + lockNames(a)
	}
	what := short(j.decl.Key)
	if o.inner {
		what = "a row of " + what
	}
	if o.field != "" {
		what = short(o.field) + " of an element of " + what
	}
	return append(out, Step{a.Pos, fmt.Sprintf("%s %s %s %s", o.at.info.Name, verbs[a.Op], what, locks)})
}
