// This file keeps what linking has found from one run to the next, so that after a change only
// the maps that it concerns are judged again.
//
// A function's walks (see walkFrom) read the functions that they come through and what calls
// those, and file their accesses under maps; a verdict reads the occurrences that were filed,
// and a few things besides. All that is read is noted while it is read, as dependences, and
// kept with a print of each: a hash of what was seen of it. A walk or a verdict whose
// dependences have the prints they had would come out as it did. So
//
//   - walks with another print of anything are walked again, and the maps under which they
//     file, and under which they used to, are judged again;
//   - a map with another print of anything is judged again, and all that file under it are
//     walked for that;
//   - of every other map the verdict is taken as it was.
//
// The call graph itself is built anew each time, which takes a hundredth of a cold link.
//
// This is how build systems with early cutoff work ("verifying traces" in Mokhov, Mitchell,
// Peyton Jones: Build Systems à la Carte, ICFP 2018). What keeps it right is that nothing is
// read that is not noted, which TestMemo tries to refute.

package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"slices"
)

// A memo is what one link leaves for the next. Prints tell what of it still holds, so that it
// is safe to keep under a name that stays the same.
type memo struct {
	Common uint64 // a print of what everything depends on
	Deps   []dependence
	Starts []startMemo // in the order in which they were walked
	Maps   []mapMemo
}

// A dependence is something that linking reads.
type dependence struct {
	Kind  depKind
	Name  string
	Print uint64
}

type depKind uint8

const (
	depNode     depKind = iota // a function, what calls it, and those functions
	depMissing                 // whether there is a function
	depContexts                // the contexts that can run a function
	depSpawners                // where those begin
	depMap                     // whether there is a map, and whether it has rows
	depDecl                    // a map's declaration
	depLocal                   // the name of a local map
	depWhole                   // whether a type is meant for several goroutines as a whole
	depHints                   // what directives say of a map
	depSpans                   // where in a file directives are
)

// A startMemo is a function whose accesses are walked from. Numbers are places in memo.Deps and
// memo.Maps.
type startMemo struct {
	Name string
	Deps []int32
	Maps []int32
}

// A mapMemo is the verdict about a map.
type mapMemo struct {
	Key    string
	Deps   []int32
	Keep   bool // no directive is involved: whether that has an effect has to be found out each time
	Listed bool // Map is in the result
	Map    Map
}

// A recorder notes what is read. A nil one notes nothing.
type recorder struct {
	l      *linker
	names  []dependence // their prints are filled in at the end; functions come first
	number map[dependence]int32
	seen   []int32 // by number: in which recording it was noted last
	now    int32
	list   []int32
	filed  map[*mapState]bool
}

func newRecorder(l *linker) *recorder {
	r := &recorder{l: l, number: map[dependence]int32{}}
	for _, n := range l.order {
		r.names = append(r.names, dependence{Kind: depNode, Name: n.info.Key})
	}
	r.seen = make([]int32, len(r.names))
	return r
}

func (r *recorder) begin() {
	r.now++
	r.list, r.filed = nil, map[*mapState]bool{}
}

func (r *recorder) note(id int32) {
	if r.seen[id] != r.now {
		r.seen[id] = r.now
		r.list = append(r.list, id)
	}
}

// node notes that a function, its callers and theirs are read.
func (r *recorder) node(n *node) {
	if r != nil {
		r.note(int32(n.id))
	}
}

func (r *recorder) use(kind depKind, name string) {
	if r != nil {
		r.note(r.numberOf(kind, name))
	}
}

func (r *recorder) numberOf(kind depKind, name string) int32 {
	if kind == depNode {
		if n := r.l.nodes[name]; n != nil {
			return int32(n.id)
		}
	}
	k := dependence{Kind: kind, Name: name}
	id, ok := r.number[k]
	if !ok {
		id = int32(len(r.names))
		r.number[k] = id
		r.names, r.seen = append(r.names, k), append(r.seen, 0)
	}
	return id
}

// under notes that an access was filed under a map.
func (r *recorder) under(m *mapState) {
	if r != nil {
		r.filed[m] = true
	}
}

// lookup returns the function with that key, or nil, and notes that it was asked for.
func (l *linker) lookup(key string) *node {
	n := l.nodes[key]
	if n != nil {
		l.rec.node(n)
	} else {
		l.rec.use(depMissing, key)
	}
	return n
}

// relink links as Link does and uses what the memo of an earlier link says, which may be nil.
// It returns one for the next, and how many maps it judged.
func relink(sums []*Summary, opts Options, old *memo) (*Result, *memo, int) {
	l := graph(sums, opts)
	l.rec = newRecorder(l)
	p := newPrints(l)
	if old == nil || old.Common != p.common() {
		old = &memo{Common: p.common()}
	}
	r := &relinking{linker: l, old: old, prints: p, starts: map[int]*startMemo{}, stale: map[string]bool{}, again: make([]int32, len(old.Deps))}
	r.check()
	r.walk()
	res, judged := r.judge()
	return res, r.memo(), judged
}

// relinking is one run of relink.
type relinking struct {
	*linker
	prints *prints
	old    *memo
	valid  []bool  // by place in old.Deps
	again  []int32 // by place in old.Deps: the recorder's number, plus one

	starts map[int]*startMemo  // by node; those of old have its numbers until translated
	fresh  map[int]bool        // of starts: walked this time
	stale  map[string]bool     // maps to be judged
	kept   map[string]*mapMemo // verdicts that hold
	verd   []mapMemo           // in the order of the result's keys
	filed  map[int][]string    // by node: under which maps
}

// check finds out what of the old memo holds.
func (r *relinking) check() {
	r.valid = make([]bool, len(r.old.Deps))
	for i, d := range r.old.Deps {
		r.valid[i] = r.prints.of(d.Kind, d.Name) == d.Print
	}
	holds := func(deps []int32) bool {
		return !slices.ContainsFunc(deps, func(i int32) bool { return !r.valid[i] })
	}
	r.filed, r.fresh, r.kept = map[int][]string{}, map[int]bool{}, map[string]*mapMemo{}
	last := map[string]int{}
	for i := range r.old.Starts {
		s := &r.old.Starts[i]
		n := r.nodes[s.Name]
		good := n != nil && holds(s.Deps)
		var under []string
		for _, m := range s.Maps {
			k := r.old.Maps[m].Key
			under = append(under, k)
			// Verdicts depend on which access came first.
			if !good || n.id < last[k] {
				r.stale[k] = true
			} else {
				last[k] = n.id
			}
		}
		if good {
			r.starts[n.id], r.filed[n.id] = s, under
		}
	}
	for i := range r.old.Maps {
		if m := &r.old.Maps[i]; m.Keep && holds(m.Deps) {
			r.kept[m.Key] = m
		}
	}
	for k := range r.maps {
		if r.kept[k] == nil {
			r.stale[k] = true
		}
	}
}

// walk walks from what has changed, and then from all that files under a map to be judged.
func (r *relinking) walk() {
	for _, n := range r.order {
		if n.starts() && r.starts[n.id] == nil {
			r.from(n)
			for _, k := range r.filed[n.id] {
				r.stale[k] = true
			}
		}
	}
	for _, n := range r.order {
		if !r.fresh[n.id] && slices.ContainsFunc(r.filed[n.id], func(k string) bool { return r.stale[k] }) {
			r.from(n)
		}
	}
	byStart := func(a, b *occurrence) int { return a.at.id - b.at.id }
	for k := range r.stale {
		if m := r.maps[k]; m != nil {
			slices.SortStableFunc(m.cases, byStart)
			slices.SortStableFunc(m.elems, byStart)
			slices.SortStableFunc(m.steps, byStart)
		}
	}
}

func (r *relinking) from(n *node) {
	r.rec.begin()
	r.walkFrom(n)
	r.starts[n.id], r.fresh[n.id] = &startMemo{Name: n.info.Key, Deps: r.rec.list}, true
	r.filed[n.id] = nil
	for m := range r.rec.filed {
		r.filed[n.id] = append(r.filed[n.id], m.decl.Key)
	}
	slices.Sort(r.filed[n.id])
}

// judge makes the result, and reports how many maps it judged.
func (r *relinking) judge() (*Result, int) {
	judged := 0
	res := r.result(func(ms *mapState) *Map {
		k := ms.decl.Key
		if !r.stale[k] {
			m := r.kept[k]
			r.verd = append(r.verd, mapMemo{k, r.translate(m.Deps), true, m.Listed, m.Map})
			if !m.Listed {
				return nil
			}
			return &m.Map
		}
		judged++
		r.rec.begin()
		r.rec.use(depDecl, k)
		r.rec.use(depHints, k)
		r.rec.use(depWhole, ms.decl.Holder)
		for _, o := range slices.Concat(ms.cases, ms.elems, ms.steps) {
			if o.acc.Pos.valid() {
				r.rec.use(depSpans, o.at.sum.Files[o.acc.Pos.File])
			}
		}
		m := r.listed(ms)
		v := mapMemo{Key: k, Deps: r.rec.list, Keep: !r.directed(ms), Listed: m != nil}
		if m != nil {
			v.Map = *m
		}
		r.verd = append(r.verd, v)
		return m
	})
	return res, judged
}

// translate turns places in the old memo into the recorder's numbers.
func (r *relinking) translate(deps []int32) []int32 {
	out := make([]int32, len(deps))
	for i, d := range deps {
		if r.again[d] == 0 {
			r.again[d] = r.rec.numberOf(r.old.Deps[d].Kind, r.old.Deps[d].Name) + 1
		}
		out[i] = r.again[d] - 1
	}
	return out
}

// memo puts together what the next run can use. Dependences are numbered as they come, and
// those that nothing depends on are left out.
func (r *relinking) memo() *memo {
	m := &memo{Common: r.old.Common, Maps: r.verd}
	place := map[string]int32{}
	for i := range m.Maps {
		place[m.Maps[i].Key] = int32(i)
	}
	number := make([]int32, len(r.rec.names)+len(r.old.Deps))
	compact := func(deps []int32) []int32 {
		out := make([]int32, len(deps))
		for i, d := range deps {
			if number[d] == 0 {
				k := r.rec.names[d]
				k.Print = r.prints.of(k.Kind, k.Name)
				m.Deps = append(m.Deps, k)
				number[d] = int32(len(m.Deps))
			}
			out[i] = number[d] - 1
		}
		return out
	}
	for _, n := range r.order {
		s := r.starts[n.id]
		if s == nil {
			continue
		}
		deps := s.Deps
		if !r.fresh[n.id] {
			deps = r.translate(deps)
		}
		next := startMemo{Name: s.Name, Deps: compact(deps)}
		for _, k := range r.filed[n.id] {
			next.Maps = append(next.Maps, place[k])
		}
		m.Starts = append(m.Starts, next)
	}
	for i := range m.Maps {
		m.Maps[i].Deps = compact(m.Maps[i].Deps)
	}
	return m
}

func (m *memo) encode() ([]byte, error) { return encode(reflect.ValueOf(m).Elem()) }

// decodeMemo returns what encode has made, nil for anything else.
func decodeMemo(data []byte) *memo {
	m := new(memo)
	if decode(data, reflect.ValueOf(m).Elem()) != nil {
		return nil
	}
	return m
}

// prints computes the prints of dependences.
type prints struct {
	l      *linker
	calls  map[*CallInfo]int32 // the number of each in its function
	own    []uint64            // by node; 0: not computed
	whole  []uint64
	ctx    []uint64 // by context
	begins []uint64
}

func newPrints(l *linker) *prints {
	p := &prints{l: l, calls: map[*CallInfo]int32{}, own: make([]uint64, len(l.order)), whole: make([]uint64, len(l.order))}
	for _, n := range l.order {
		for i := range n.info.Calls {
			p.calls[&n.info.Calls[i]] = int32(i)
		}
	}
	for _, c := range l.ctxs {
		w := new(printer)
		w.context(c)
		p.ctx = append(p.ctx, w.sum())
		w = new(printer)
		w.str(c.at.info.Key)
		p.begins = append(p.begins, w.sum())
	}
	return p
}

// common is the print of what is not worth being noted each time. Options are part of the
// memo's name (see linkFrom).
func (p *prints) common() uint64 {
	w := new(printer)
	locks := make([]string, 0, len(p.l.anyLock))
	for k := range p.l.anyLock {
		locks = append(locks, k)
	}
	slices.Sort(locks)
	w.value(reflect.ValueOf(locks))
	return w.sum()
}

func (p *prints) of(kind depKind, name string) uint64 {
	w := &printer{}
	n := p.l.nodes[name]
	switch kind {
	case depNode, depContexts, depSpawners:
		if n == nil {
			return 0
		}
	}
	switch kind {
	case depNode:
		return p.node(n)
	case depMissing:
		w.flag(n != nil)
	case depContexts:
		eachBit(n.ctxs, func(c int) bool { w.num(p.ctx[c]); return true })
	case depSpawners:
		var sum uint64
		eachBit(n.ctxs, func(c int) bool { sum += p.begins[c]; return true })
		w.num(sum)
	case depMap:
		m := p.l.maps[name]
		w.flag(m != nil)
		if m != nil {
			w.flag(m.decl.Nested)
			w.str(m.sum.Package)
		}
	case depDecl:
		if m := p.l.maps[name]; m != nil {
			d := *m.decl
			d.Pos = Pos{} // see inPlace
			w.value(reflect.ValueOf(d))
		}
	case depLocal:
		w.str(p.l.decls[name])
	case depWhole:
		w.flag(p.l.whole[name])
	case depHints:
		for _, d := range p.l.rulings.byMap[name] {
			w.str(d.Verb)
			w.value(reflect.ValueOf(d.Locks))
			w.str(d.Text)
		}
	case depSpans:
		for _, d := range p.l.rulings.byFile[name] {
			w.value(reflect.ValueOf(d.Spans))
		}
	}
	return w.sum()
}

// node is the print of a function with what calls it.
func (p *prints) node(n *node) uint64 {
	if p.whole[n.id] != 0 {
		return p.whole[n.id]
	}
	w := new(printer)
	w.num(p.alone(n))
	if n.root != nil {
		w.context(n.root)
	}
	first := map[*runContext]int{}
	for i := range n.callers {
		e := &n.callers[i]
		w.num(uint64(e.kind))
		w.num(p.alone(e.from))
		w.num(uint64(p.calls[e.call]))
		if len(e.args) != len(e.call.Args) || len(e.args) > 0 && &e.args[0] != &e.call.Args[0] {
			w.value(reflect.ValueOf(e.args))
		}
		w.value(reflect.ValueOf(e.extra))
		w.value(reflect.ValueOf(e.may))
		w.flag(e.multi)
		w.flag(e.dyn)
		w.flag(e.lib)
		w.flag(e.made != nil)
		if e.made != nil {
			w.num(uint64(p.calls[e.made]))
		}
		if e.ctx != nil {
			if _, ok := first[e.ctx]; !ok {
				first[e.ctx] = i
			}
			w.num(uint64(first[e.ctx]) + 1) // two edges may have one context
			w.context(e.ctx)
		}
	}
	p.whole[n.id] = w.sum()
	return p.whole[n.id]
}

// alone is the print of a function by itself: its summary, those of the functions that it is
// written in, and what its calls of unknown functions may return (see explain).
func (p *prints) alone(n *node) uint64 {
	if p.own[n.id] != 0 {
		return p.own[n.id]
	}
	w := &printer{in: n}
	w.str(n.sum.Package)
	w.str(n.sum.Name)
	w.value(reflect.ValueOf(*n.info))
	if up := p.l.nodes[n.info.Parent]; up != nil {
		w.num(p.alone(up))
	}
	for i := range n.info.Calls {
		c := &n.info.Calls[i]
		if c.ID < 0 {
			continue
		}
		for _, t := range p.l.explainers(c) {
			f := p.l.nodes[t]
			w.str(t)
			if f != nil {
				w.flag(f.info.Recv != "" && f.info.Parent == "")
				w.num(uint64(f.info.Params))
				for _, r := range f.info.Results {
					w.str(r.Path)
				}
			}
		}
	}
	p.own[n.id] = w.sum()
	return p.own[n.id]
}

// A printer collects what a print is the hash of.
type printer struct {
	buf []byte
	in  *node // the function that positions are in
}

func (w *printer) num(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

func (w *printer) str(s string) {
	w.num(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *printer) flag(b bool) {
	if b {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

func (w *printer) context(c *runContext) {
	w.str(c.kind)
	w.str(c.name)
	w.flag(c.multi)
	w.str(c.at.info.Key)
}

func (w *printer) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		w.flag(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.buf = binary.AppendVarint(w.buf, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.num(v.Uint())
	case reflect.String:
		w.str(v.String())
	case reflect.Pointer:
		w.flag(!v.IsNil())
		if !v.IsNil() {
			w.value(v.Elem())
		}
	case reflect.Slice:
		w.num(uint64(v.Len()))
		for i := range v.Len() {
			w.value(v.Index(i))
		}
	case reflect.Struct:
		if p, ok := v.Interface().(Pos); ok {
			w.pos(p)
			return
		}
		for i := range v.NumField() {
			w.value(v.Field(i))
		}
	default:
		panic("detect: no print of a " + v.Type().String())
	}
}

// pos prints a position as verdicts tell it, see place.
func (w *printer) pos(p Pos) {
	there := w.in != nil && p.valid() && w.in.info.Pos.valid() && p.File == w.in.info.Pos.File
	w.flag(there)
	if there {
		p = relative(p, w.in.info.Pos)
	} else if w.in != nil && p.valid() {
		w.str(w.in.sum.position(p).Filename)
	}
	for _, n := range []int32{p.Offset, p.Line, p.Column} {
		w.buf = binary.AppendVarint(w.buf, int64(n))
	}
}

// sum is the print; never 0, which stands for none.
func (w *printer) sum() uint64 {
	h := sha256.Sum256(w.buf)
	return binary.BigEndian.Uint64(h[:]) | 1
}
