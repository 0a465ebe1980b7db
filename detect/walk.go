// This file walks from an access up to the contexts that run it.

package detect

import "strings"

// A mapState gathers what is known about one map variable while linking.
type mapState struct {
	decl  *MapDecl
	sum   *Summary
	cases []*occurrence
	elems []*occurrence // of fields of what it points to
	steps []*occurrence // changes that rely on a check in another critical section
}

// An occurrence is one access in one way of reaching it.
type occurrence struct {
	acc   *AccessInfo
	at    *node
	path  string // of the map, in the outermost frame that names it
	inner bool
	field string // of an element, see elements

	held     []LockRef // with keys in lockKeys order
	may      []string
	loadHeld []LockRef // when the map value was read elsewhere
	aliased  bool      // the value was read at another place than it is used

	owned   bool
	ctx     *runContext // nil when the walk gave up: then any of ctxSet
	ctxSet  []uint64
	chain   *link
	spawner *node  // for go contexts: who spawned, and the map's path there
	perLoop bool   // each goroutine has an object of its own
	origin  string // the map's path in the spawner's frame
	bound   string // there too: what the goroutine was given, by which it reaches the map
	dyn     bool
	after   []string // what was waited for before
	handed  bool     // the object was sent through a channel before

	// Filled while judging.
	heldW, heldR, heldMay uint64
	loadW, loadR          uint64
	wild                  bool
	guarded, loadGuarded  evidence // of the map's guard, at the access and where the value was read
	making                answer
	owner                 string // type of the object around the map whose lock is held
	classified, ctxStrong bool
	ctxCount              int
}

// A link is one step of a call chain, innermost first.
type link struct {
	up    *link // towards the access
	at    *node
	call  *CallInfo
	path  string // the map's path in at's frame
	pubGo bool   // at's frame shared the object with a goroutine before this call
}

// has reports whether the way already leads through a function: going round a recursion
// once more finds nothing that the first time does not.
func (c *link) has(n *node) bool { return c.reaches(func(at *node) bool { return at == n }) }

// reaches reports whether the way leads through a function of some kind.
func (c *link) reaches(kind func(*node) bool) bool {
	for ; c != nil; c = c.up {
		if kind(c.at) {
			return true
		}
	}
	return false
}

// A walk gives up after so many states, or so many calls up.
var (
	maxWalk  = 220
	maxDepth = 14
)

type walkState struct {
	n      *node
	path   string
	locks  *carried
	seq    bool
	once   bool
	shared bool
	dyn    bool
	depth  int
	after  []string
	handed bool
	chain  *link
}

// A walkKey is what makes two states of a walk the same.
type walkKey struct {
	n                 int
	path              string
	locks             int
	seq, shared, once bool
}

func (s *walkState) key() walkKey {
	return walkKey{s.n.id, s.path, s.locks.id, s.seq, s.shared, s.once}
}

// A filing is what makes two occurrences of an access the same; of owned ones only the path
// counts.
type filing struct {
	state walkKey
	path  string
	ctx   int
	owned bool
}

// declare makes a state for every map.
func (l *linker) declare() {
	decls := map[string]*mapState{}
	for _, s := range l.sums {
		for i := range s.Maps {
			d := &s.Maps[i]
			if d.Test && !l.opts.Tests {
				continue
			}
			if _, dup := decls[d.Key]; !dup {
				decls[d.Key] = &mapState{decl: d, sum: s}
			}
		}
	}
	l.maps = decls
}

// walkFrom walks from each access of a function and files the occurrences under their maps.
func (l *linker) walkFrom(n *node) {
	for i := range n.info.Accesses {
		l.walk(n, &n.info.Accesses[i], asAccess)
	}
	for i := range n.info.Elements {
		l.walk(n, &n.info.Elements[i], asElement)
	}
	for i := range n.info.Steps {
		l.walk(n, &n.info.Steps[i], asStep)
	}
}

// starts reports whether there is something to walk from.
func (n *node) starts() bool {
	return len(n.info.Accesses)+len(n.info.Elements)+len(n.info.Steps) > 0
}

// paramOf returns the map that a path names as a parameter of a function, when nothing
// better does: func (f *filter) run(metas map[string]*meta) { go f.drop(metas) }.
func (l *linker) paramOf(path, fn string) (*mapState, bool) {
	inner := false
	for lastSelector(path) == "[]" {
		path, inner = parent(path), true
	}
	r := root(path)
	switch {
	case rest(path) != "":
		return nil, false
	case rootIndex(r, 'p') >= 0:
		r = "local:" + fn + ":" + r
	case strings.HasPrefix(r, "@"):
		r = "local:" + r[1:]
	}
	return l.mapOf(r), inner
}

// mapOf returns the map with that key or, of a local one, that path.
func (l *linker) mapOf(k string) *mapState {
	if strings.HasPrefix(k, "local:") {
		l.rec.use(depLocal, k)
		if d, ok := l.decls[k]; ok {
			k = d
		}
	}
	l.rec.use(depMap, k)
	return l.maps[k]
}

func (l *linker) keyOf(path, fn string) (*mapState, bool) {
	k, inner := mapKey(path, fn)
	return l.mapOf(k), inner
}

// fileAs says what an access is filed as.
type fileAs uint8

const (
	asAccess  fileAs = iota
	asElement        // of a field of what the map points to
	asStep           // the second of two steps
)

// walk files an access under the maps it turns out to be of, with the contexts and locks of
// every way of reaching it.
func (l *linker) walk(n *node, a *AccessInfo, as fileAs) {
	l.rec.node(n)
	st := n.info.States[a.State]
	s := &walkState{
		n: n, path: l.pin(n, a.Path), seq: a.Seq,
		shared: a.Published, after: a.After, handed: a.Handed, chain: &link{at: n, pubGo: a.PubGo},
	}
	s.chain.path = s.path
	c := carried{released: st.Released}
	for _, m := range st.Must {
		c.must = append(c.must, LockRef{l.pin(n, m.Path), m.Read})
	}
	for _, m := range st.May {
		c.may = append(c.may, l.pin(n, m))
	}
	aliased := a.Load >= 0
	if aliased {
		c.away, c.before = true, n.info.States[a.Load].Released
		for _, m := range n.info.States[a.Load].Must {
			c.load = append(c.load, LockRef{l.pin(n, m.Path), m.Read})
		}
	}
	s.locks = l.carry(c)
	filed, lockSets, live := map[filing]bool{}, map[string]bool{}, 0
	finish := func(s *walkState, o occurrence) {
		k := filing{s.key(), o.path, -1, false}
		if o.ctx != nil {
			k.ctx = o.ctx.id
		}
		if o.owned {
			k = filing{path: o.path, owned: true}
		}
		if filed[k] {
			return
		}
		filed[k] = true
		m, inner := l.keyOf(o.path, s.n.info.Key)
		if as == asElement {
			m, o.field = l.elementOf(o.path, s.n.info.Key)
		} else if m == nil {
			m, inner = l.paramOf(o.path, s.n.info.Key)
		}
		if m == nil {
			return
		}
		if m.sum != nil && s.chain.reaches(func(at *node) bool { return l.forTests(at, m.sum) }) {
			return
		}
		if !o.owned {
			// Many ways lead here. Those beyond the limit must add other locks.
			const most = 64
			if live++; live > most && lockSets[s.locks.last] {
				return
			}
			lockSets[s.locks.last] = true
		}
		if inner && as != asElement && m.decl != nil && !m.decl.Nested {
			return // an element that holds a map under another name
		}
		l.rec.under(m)
		o.acc, o.at, o.inner, o.aliased = a, n, inner, aliased
		o.held, o.may, o.loadHeld, o.dyn, o.after, o.handed = s.locks.must, s.locks.may, s.locks.load, s.dyn, s.after, s.handed
		o.owned = o.owned || a.Taken || s.once
		o.chain = s.chain
		switch as {
		case asElement:
			o.inner = false
			m.elems = append(m.elems, &o)
		case asStep:
			m.steps = append(m.steps, &o)
		default:
			m.cases = append(m.cases, &o)
		}
	}
	if a.Fresh && !a.Published {
		finish(s, occurrence{path: s.path, owned: true})
		return
	}
	if a.Fresh {
		// The object is local; who else knows it decides.
		s.shared = true
	}
	names := func(path, fn string) bool {
		m, _ := l.keyOf(path, fn)
		if as == asElement {
			m, _ = l.elementOf(path, fn)
		}
		return m != nil
	}
	seen := map[walkKey]bool{s.key(): true}
	queue := []*walkState{s}
	for steps := 0; len(queue) > 0; steps++ {
		s := queue[0]
		queue = queue[1:]
		l.rec.node(s.n)
		if steps > maxWalk || s.depth > maxDepth {
			l.rec.use(depContexts, s.n.info.Key)
			finish(s, occurrence{path: s.path, ctxSet: s.n.ctxs})
			continue
		}
		if r := s.n.root; r != nil {
			// Rule O2.
			owned := s.seq && (r.kind == "main" || r.kind == "init") || r.kind == "init"
			finish(s, occurrence{path: s.path, ctx: r, owned: owned})
		}
		for i := range s.n.callers {
			e := &s.n.callers[i]
			path, arg := l.lift(s.n, e, s.path)
			if (e.kind == edgeCall || e.kind == edgeOnce) && (arg == nil || !arg.Owned || s.shared) && s.chain.has(e.from) {
				continue
			}
			t := l.up(s, e, path, arg)
			switch e.kind {
			case edgeGo:
				o := occurrence{path: path, ctx: e.ctx, spawner: e.from, origin: path, bound: l.boundTo(s.n, e, s.path)}
				if arg != nil {
					o.perLoop = arg.PerLoop
				}
				t2 := *t
				t2.n = e.from
				if !names(path, e.from.info.Key) {
					// The spawner does not name the map either: look for the name
					// further up, keeping this context.
					found := l.name(e.from, path, names)
					for _, p := range found {
						o2 := o
						o2.path = p
						finish(t, o2)
					}
					if len(found) == 0 {
						finish(&t2, o) // perhaps a parameter
					}
					continue
				}
				finish(t, o)
			case edgeMaybe:
				finish(t, occurrence{path: path, ctx: e.ctx, owned: false})
				fallthrough
			default:
				if arg != nil && arg.Owned && !s.shared {
					finish(t, occurrence{path: path, owned: true})
					continue
				}
				if e.kind == edgeMaybe && seen[t.key()] {
					continue
				}
				if k := t.key(); !seen[k] && !s.chain.has(t.n) {
					seen[k] = true
					queue = append(queue, t)
				}
			}
		}
	}
}

// boundTo returns, in the spawner's frame, what a goroutine was given by which it reaches a
// path: an argument, or a variable that its literal captured.
//
//	for _, p := range s.peers { go p.run() }          // p0|peers|[]: each has its own
//	for range 4 { go func() { s.peers[k].m[x]++ }() } // p0: they share s
func (l *linker) boundTo(n *node, e *edge, path string) string {
	best := root(path)
	for i := range n.info.Free {
		if q := l.pin(n, "f"+itoa(i)); hasPrefix(path, q) && len(q) > len(best) {
			best = q
		}
	}
	b, _ := l.lift(n, e, best)
	return b
}

// up carries a state over an edge to the caller, where its path and the argument that the
// path came through are what lift says.
func (l *linker) up(s *walkState, e *edge, path string, arg *ArgInfo) *walkState {
	t := &walkState{
		n: e.from, path: path, locks: l.carryUp(s.n, e, s.locks), seq: s.seq && e.call.Seq, once: s.once || e.kind == edgeOnce,
		shared: s.shared, dyn: s.dyn || e.dyn, depth: s.depth + 1, after: s.after,
	}
	t.chain = &link{up: s.chain, at: e.from, call: e.call, path: path}
	if arg != nil {
		t.shared = t.shared || arg.Pub
		t.handed = s.handed || arg.Handed
		t.chain.pubGo = arg.PubGo
	}
	if e.kind != edgeGo && len(e.call.After) > 0 {
		t.after = append(append([]string(nil), s.after...), e.call.After...)
	}
	return t
}

// name follows a map that is only a parameter here up to the variables it is bound to;
// names tells whether a path in a function's frame names one.
func (l *linker) name(n *node, path string, names func(path, fn string) bool) []string {
	type at struct {
		n    *node
		path string
	}
	var out []string
	queue := []at{{n, path}}
	seen := map[string]bool{}
	for steps := 0; len(queue) > 0 && steps < 60; steps++ {
		x := queue[0]
		queue = queue[1:]
		if names(x.path, x.n.info.Key) {
			out = append(out, x.path)
			continue
		}
		if strings.HasPrefix(x.path, "@") {
			i := strings.LastIndexByte(root(x.path), ':')
			up := l.lookup(x.path[1:i])
			if up == nil {
				continue
			}
			x = at{up, x.path[i+1:]}
		}
		if rootIndex(root(x.path), 'p') < 0 {
			continue
		}
		l.rec.node(x.n)
		for i := range x.n.callers {
			e := &x.n.callers[i]
			p, _ := l.lift(x.n, e, x.path)
			k := e.from.info.Key + "\x00" + p
			if !seen[k] && rest(p)+root(p) != "u" {
				seen[k] = true
				queue = append(queue, at{e.from, p})
			}
		}
	}
	return out
}
