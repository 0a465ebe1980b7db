// This file tells whether two accesses can run at once, and whether they are of one map.

package detect

import (
	"math/bits"
	"slices"
	"strings"
)

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
	eachBit(o.ctxSet, func(c int) bool { return f(l.ctxs[c]) })
}

// eachBit calls f for the elements of a bit set, in order, until it returns false.
func eachBit(set []uint64, f func(int) bool) {
	for i, w := range set {
		for ; w != 0; w &= w - 1 {
			if !f(i*64 + bits.TrailingZeros64(w)) {
				return
			}
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
		if l.onOne(a) && l.onOne(b) && settled(trimElems(a.origin)) {
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
	if a.ctx != nil && a.ctx == b.ctx && a.spawner == nil && a.ctx.multi && strong(a.ctx.kind) && (known(a.path) && rootIndex(root(a.path), 'p') == 0 || settled(a.path) && l.around(a)) {
		return 2
	}
	if a.spawner == nil && b.spawner == nil && a.path == b.path && settled(a.path) && l.around(a) && l.around(b) {
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

// onOne reports whether all goroutines that a go statement starts are given one object
// (rule I3).
func (l *linker) onOne(o *occurrence) bool {
	if o.perLoop || !l.inSpawner(o, root(o.bound)) {
		return false
	}
	return settled(o.bound)
}

// settled reports whether a path is known, or begins with what a call has returned: the function
// that called has one of it.
//
//	s := NewServer()
//	http.HandleFunc("/", func(…) { s.count() }) // all requests count in one
func settled(path string) bool {
	return known(path) || path != "" && strings.HasPrefix(path[strings.LastIndexByte(path, ':')+1:], "c") && !strings.Contains(path, "|[]") && !strings.Contains(path, "|<-")
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
	for _, f := range l.heirs(a.spawner, a.origin).list {
		for c := b.chain; c != nil; c = c.up {
			if c.at == f.at && c.path == f.path {
				return true
			}
		}
	}
	return false
}

// before reports whether b belongs to the function that started a's goroutine, and comes
// before that: the go statement orders them (rule O4).
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
// started the second (rule O3).
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

// heirs are frames that get an object from elsewhere, and the functions that were looked at.
type heirs struct {
	list []frame
	met  []*node
}

// heirs lists the frames that get an object from the function that started a goroutine on
// it: those that are returned the object made and started there.
func (l *linker) heirs(n *node, path string) heirs {
	k := frame{n, path}
	if out, ok := l.heirsOf[k]; ok {
		for _, n := range out.met {
			l.rec.node(n)
		}
		return out
	}
	var out heirs
	queue := []frame{k}
	seen := map[frame]bool{k: true}
	add := func(f frame, made bool) {
		if seen[f] {
			return
		}
		seen[f] = true
		queue = append(queue, f)
		if made {
			out.list = append(out.list, f)
		}
	}
	returned := map[frame]bool{}
	for len(queue) > 0 && len(seen) < 60 {
		f := queue[0]
		queue = queue[1:]
		out.met = append(out.met, f.at)
		l.rec.node(f.at)
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
		l.heirsOf = map[frame]heirs{}
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
		l.rec.use(depSpawners, a.spawner.info.Key)
		found := false
		eachBit(a.spawner.ctxs, func(x int) bool {
			found = l.ctxs[x].at == c.at
			return !found
		})
		if found {
			return true
		}
	}
	return false
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
	x, y := a.path, b.path
	if !a.inner {
		x, y = trimElems(x), trimElems(y)
	}
	r := root(x)
	return x == y && strings.Contains(x, "|[]") && (rootIndex(r, 'p') == 0 || strings.HasPrefix(r, "g:"))
}

// bothRun reports whether two occurrences run in goroutines that are seen to be started, or
// one in a goroutine that the other's own function started.
func (j *judgement) bothRun(a, b *occurrence) bool {
	return strong(a.ctx.kind) && strong(b.ctx.kind) || j.passes(a, b) || j.passes(b, a)
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

// placed reports whether it is known which object's map the occurrence is about.
func (l *linker) placed(o *occurrence) bool { return definite(o) || l.outlives(o) }

// outlives reports whether a goroutine reaches the map through an object that a function or
// method value was bound to, and that the binding function's caller knows, too.
//
//	func New() *mirror { m := &mirror{}; m.w = watch(m.changed); return m } // m.w's goroutine calls m.changed
func (l *linker) outlives(o *occurrence) bool {
	if o.ctx == nil || !strong(o.ctx.kind) || o.spawner == nil || !known(o.path) {
		return false
	}
	if parent(trimElems(o.path)) != root(o.path) {
		return false // of a part that the object refers to, and may refer to another one soon
	}
	r, n := root(o.path), o.spawner
	if i := strings.LastIndexByte(r, ':'); r[0] == '@' && i > 0 {
		if n = l.lookup(r[1:i]); n == nil {
			return false
		}
		if r = r[i+1:]; r[0] == 'p' {
			return n != o.spawner
		}
	}
	if n != o.spawner && slices.Contains(o.frames(), n) {
		return false // each run of the goroutine makes an object of its own
	}
	return r[0] == 'a' && slices.ContainsFunc(n.info.Results, func(res ResultInfo) bool { return res.Root == r })
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
