// This file walks from an access up to the contexts that run it.

package detect

import (
	"sort"
	"strings"
)

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
func (c *link) has(n *node) bool {
	for ; c != nil; c = c.up {
		if c.at == n {
			return true
		}
	}
	return false
}

const (
	maxWalk  = 220
	maxDepth = 14
)

type walkState struct {
	n        *node
	path     string
	must     []LockRef
	may      []string
	load     []LockRef
	released []string
	seq      bool
	once     bool
	shared   bool
	dyn      bool
	depth    int
	after    []string
	handed   bool
	chain    *link
}

func (s *walkState) key() string {
	var b strings.Builder
	size := len(s.path) + 16
	for _, l := range s.must {
		size += len(l.Path) + 2
	}
	b.Grow(size)
	b.WriteString(itoa(s.n.id))
	b.WriteByte(0)
	b.WriteString(s.path)
	for _, l := range s.must {
		b.WriteByte(0)
		b.WriteString(l.Path)
		if l.Read {
			b.WriteByte('r')
		}
	}
	if s.seq {
		b.WriteByte('s')
	}
	if s.shared {
		b.WriteByte('p')
	}
	if s.once {
		b.WriteByte('o')
	}
	return b.String()
}

// collect walks from every access and files the occurrences under their maps.
func (l *linker) collect() {
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
	for _, n := range l.order {
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
	return l.maps[l.decls[r]], inner
}

func (l *linker) keyOf(path, fn string) (*mapState, bool) {
	k, inner := mapKey(path, fn)
	if d, ok := l.decls[k]; ok {
		k = d
	}
	return l.maps[k], inner
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
	st := n.info.States[a.State]
	s := &walkState{
		n: n, path: l.pin(n, a.Path), released: st.Released, seq: a.Seq,
		shared: a.Published, after: a.After, handed: a.Handed, chain: &link{at: n, pubGo: a.PubGo},
	}
	s.chain.path = s.path
	for _, m := range st.Must {
		s.must = append(s.must, LockRef{l.pin(n, m.Path), m.Read})
	}
	for _, m := range st.May {
		s.may = append(s.may, l.pin(n, m))
	}
	aliased := a.Load >= 0
	if aliased {
		for _, m := range n.info.States[a.Load].Must {
			s.load = append(s.load, LockRef{l.pin(n, m.Path), m.Read})
		}
	}
	filed, lockSets, live := map[string]bool{}, map[string]bool{}, 0
	finish := func(s *walkState, o occurrence) {
		k := s.key() + "\x00" + o.path
		if o.ctx != nil {
			k += itoa(o.ctx.id)
		}
		if o.owned {
			k = "owned" + o.path
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
		if !o.owned {
			// Many ways lead here. Those beyond the limit must add other locks.
			const most = 64
			locks := ""
			for _, r := range s.must {
				locks += lastSelector(r.Path) + ";"
			}
			if live++; live > most && lockSets[locks] {
				return
			}
			lockSets[locks] = true
		}
		if inner && as != asElement && m.decl != nil && !m.decl.Nested {
			return // an element that holds a map under another name
		}
		o.acc, o.at, o.inner, o.aliased = a, n, inner, aliased
		o.held, o.may, o.loadHeld, o.dyn, o.after, o.handed = s.must, s.may, s.load, s.dyn, s.after, s.handed
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
	seen := map[string]bool{s.key(): true}
	queue := []*walkState{s}
	for steps := 0; len(queue) > 0; steps++ {
		s := queue[0]
		queue = queue[1:]
		if steps > maxWalk || s.depth > maxDepth {
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
			t := l.up(s, e)
			if t == nil {
				continue
			}
			path, arg := l.lift(s.n, e, s.path)
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

// up carries a state over an edge to the caller: the caller's locks count (rule L3), but not
// beyond a go statement (rule L4).
func (l *linker) up(s *walkState, e *edge) *walkState {
	path, arg := l.lift(s.n, e, s.path)
	t := &walkState{
		n: e.from, path: path, seq: s.seq && e.call.Seq, once: s.once || e.kind == edgeOnce,
		shared: s.shared, dyn: s.dyn || e.dyn, depth: s.depth + 1,
	}
	t.chain = &link{up: s.chain, at: e.from, call: e.call, path: path}
	if arg != nil {
		t.shared = t.shared || arg.Pub
		t.handed = s.handed || arg.Handed
		t.chain.pubGo = arg.PubGo
	}
	move := func(in []LockRef) []LockRef {
		if len(in) == 0 {
			return nil
		}
		out := make([]LockRef, 0, len(in))
		for _, m := range in {
			p, _ := l.lift(s.n, e, m.Path)
			out = append(out, LockRef{p, m.Read})
		}
		return out
	}
	t.must = move(s.must)
	t.load = move(s.load)
	for _, m := range s.may {
		p, _ := l.lift(s.n, e, m)
		t.may = append(t.may, p)
	}
	t.after = s.after
	if e.kind == edgeGo {
		return t
	}
	if len(e.call.After) > 0 {
		t.after = append(append([]string(nil), s.after...), e.call.After...)
	}
	var released map[string]bool
	for _, r := range s.released {
		p, _ := l.lift(s.n, e, r)
		if released == nil {
			released = map[string]bool{}
		}
		released[p] = true
		t.released = append(t.released, p)
	}
	st := e.from.info.States[e.call.State]
	add := func(ref LockRef) {
		ref.Path = l.pin(e.from, ref.Path)
		for _, m := range t.must {
			if m == ref {
				return
			}
		}
		switch {
		case released[ref.Path]:
		case e.kind == edgeMaybe:
			t.may = append(t.may, ref.Path)
		default:
			t.must = append(t.must, ref)
		}
	}
	for _, m := range st.Must {
		add(m)
	}
	for _, m := range e.extra {
		add(m)
	}
	for _, m := range st.May {
		if p := l.pin(e.from, m); !released[p] {
			t.may = append(t.may, p)
		}
	}
	t.released = append(t.released, st.Released...)
	sort.Slice(t.must, func(i, j int) bool { return t.must[i].Path < t.must[j].Path })
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
			up := l.nodes[x.path[1:i]]
			if up == nil {
				continue
			}
			x = at{up, x.path[i+1:]}
		}
		if rootIndex(root(x.path), 'p') < 0 {
			continue
		}
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
