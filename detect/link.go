// This file links summaries: it resolves calls, finds the contexts that run a function, and
// walks from each access up to them, carrying locks and ownership along.

package detect

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Link judges the maps of a set of summaries.
func Link(sums []*Summary, opts Options) *Result {
	l := graph(sums, opts)
	for _, n := range l.order {
		l.walkFrom(n)
	}
	return l.result(l.listed)
}

// graph does all that comes before the walks.
func graph(sums []*Summary, opts Options) *linker {
	l := newLinker(sums, opts)
	l.resolve()
	l.roots()
	l.spread()
	l.declare()
	return l
}

// A node is a function in the call graph.
type node struct {
	id      int
	info    *FuncInfo
	sum     *Summary
	callers []edge
	root    *runContext // entered from outside the graph
	ctxs    []uint64    // the contexts that can run it, a bit set
	word    string      // see nameStarts
}

type edgeKind uint8

const (
	edgeCall edgeKind = iota
	edgeGo
	edgeOnce
	edgeMaybe // a library may call it at once or later
)

// An edge says that caller runs the node at call. args are what the node's parameters are
// bound to, in the caller's frame.
type edge struct {
	kind  edgeKind
	from  *node
	call  *CallInfo
	args  []ArgInfo
	extra []LockRef // held by what stands between
	may   []string
	multi bool
	dyn   bool      // one of several possible callees
	made  *CallInfo // the call in from that returned the function value
	lib   bool      // for edgeMaybe: by its name, the library calls it whenever something happens
	ctx   *runContext
}

// A runContext is a way in which functions come to run.
type runContext struct {
	id    int
	kind  string // "main", "init", "go", "http handler", "rpc handler", "callback", "exported API", "test"
	name  string
	multi bool // may overlap with itself
	at    *node
	call  *CallInfo
}

type linker struct {
	opts  Options
	sums  []*Summary
	nodes map[string]*node
	order []*node
	ctxs  []*runContext
	flows map[string][]string // flow node → function keys
	types []typeRef
	maps  map[string]*mapState
	decls map[string]string // local path key → map key

	heirsOf map[frame]heirs
	impl    map[string][]string // interface calls, see implementers
	taken   map[string]bool     // functions whose value goes somewhere
	bound   map[string]string   // method values: the object they are bound to, see bind
	kept    map[string]bool     // functions that are returned, or stored in fields and package variables
	boxed   map[string]bool     // types whose values are put into interfaces
	direct  map[string]bool     // types whose methods are called without an interface
	whole   map[string]bool     // types that are meant for several goroutines as a whole (rule C7)

	rulings *rulings
	judged  *judgement         // the last one, see ruled
	lifted  map[liftKey]lifted // see lift

	carries  map[string]*carried // see carry
	lockSets map[string]int
	numbers  map[string]uint64 // of paths in their keys
	scratch  []byte

	rec *recorder // of what is read, nil when nobody wants to know

	lockKeys map[string]string // see lockKey
	anyLock  map[string]bool   // keys of variables of interface type that are locked
}

type typeRef struct {
	TypeInfo
	sigs map[string]string
}

func newLinker(sums []*Summary, opts Options) *linker {
	l := &linker{opts: opts, sums: sums, nodes: map[string]*node{}, flows: map[string][]string{}, maps: map[string]*mapState{}, decls: map[string]string{}, rulings: newRulings(sums, opts), carries: map[string]*carried{}, lockSets: map[string]int{}, numbers: map[string]uint64{}, lifted: map[liftKey]lifted{}}
	for _, s := range sums {
		for _, f := range s.Funcs {
			if f.Test && !opts.Tests {
				continue
			}
			if _, dup := l.nodes[f.Key]; dup {
				continue
			}
			n := &node{id: len(l.order), info: f, sum: s}
			l.nodes[f.Key] = n
			l.order = append(l.order, n)
			for _, loc := range f.Locals {
				l.decls["local:"+f.Key+":"+loc.Root] = loc.Key
			}
		}
		for _, t := range s.Types {
			tr := typeRef{t, map[string]string{}}
			for _, m := range t.Methods {
				tr.sigs[m.Sig] = m.Func
			}
			l.types = append(l.types, tr)
		}
	}
	sort.Slice(l.types, func(i, j int) bool { return l.types[i].Key < l.types[j].Key })
	return l
}

// flowNode resolves a literal's free variable to the variable of its creator.
func (l *linker) flowNode(n string) string {
	for strings.HasPrefix(n, "B:") {
		i := strings.LastIndexByte(n, ':')
		f := l.nodes[n[2:i]]
		idx, err := strconv.Atoi(n[i+1:])
		if f == nil || err != nil || idx >= len(f.info.Free) {
			return n
		}
		p := f.info.Free[idx]
		r := root(p)
		switch {
		case rest(p) != "":
			for s := lastSelector(p); s == "[]" || s == "<-"; s = lastSelector(p) {
				p = parent(p)
			}
			if s := lastSelector(p); s != "" {
				return "V:" + s
			}
			return "V:" + f.info.Parent + ":" + r
		case r[0] == 'p':
			return "P:" + f.info.Parent + ":" + r[1:]
		case r[0] == 'f':
			n = "B:" + f.info.Parent + ":" + r[1:]
		case r[0] == 'F':
			return r
		case strings.HasPrefix(r, "g:"):
			return "V:" + r[2:]
		default:
			return "V:" + f.info.Parent + ":" + r
		}
	}
	return n
}

// More possible callees than these are as good as none known.
const (
	maxTargets      = 160 // of a function value, as in a server's dispatch table
	maxImplementers = 40
)

// resolve builds the call graph.
func (l *linker) resolve() {
	succ := map[string][]string{}
	l.findBoxed()
	l.impl = map[string][]string{}
	l.taken, l.kept, l.bound, l.anyLock = map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]bool{}
	var nodes []string
	seen := map[string]bool{}
	note := func(n string) {
		if !seen[n] {
			seen[n] = true
			nodes = append(nodes, n)
		}
	}
	for _, s := range l.sums {
		for _, fl := range s.Flows {
			if m, ok := strings.CutPrefix(fl.From, "M:"); ok {
				l.bind(m, fl.To)
				continue
			}
			if k, ok := strings.CutPrefix(fl.From, "L:"); ok {
				l.anyLock[k] = true
				continue
			}
			if strings.HasPrefix(fl.From, "T:") {
				continue
			}
			if strings.HasPrefix(fl.From, "F:") {
				l.taken[fl.From[2:]] = true
				if to := fl.To; strings.HasPrefix(to, "R:") || strings.HasPrefix(to, "V:") && !strings.Contains(to[2:], ":") {
					l.kept[fl.From[2:]] = true
				}
			}
			from, to := l.flowNode(fl.From), l.flowNode(fl.To)
			succ[from] = append(succ[from], to)
			note(from)
		}
	}
	sort.Strings(nodes)
	sets := map[string]map[string]bool{}
	for _, n := range nodes {
		if !strings.HasPrefix(n, "F:") {
			continue
		}
		work := []string{n}
		visited := map[string]bool{n: true}
		for len(work) > 0 {
			x := work[len(work)-1]
			work = work[:len(work)-1]
			for _, y := range succ[x] {
				if visited[y] {
					continue
				}
				visited[y] = true
				if sets[y] == nil {
					sets[y] = map[string]bool{}
				}
				sets[y][n[2:]] = true
				work = append(work, y)
			}
		}
	}
	for n, set := range sets {
		for f := range set {
			l.flows[n] = append(l.flows[n], f)
		}
		sort.Strings(l.flows[n])
	}

	impl := l.impl
	for _, n := range l.order {
		for i := range n.info.Calls {
			l.link(n, &n.info.Calls[i], impl)
		}
	}
	l.jumps()
	for _, n := range l.order {
		sort.SliceStable(n.callers, func(i, j int) bool { return n.callers[i].from.id < n.callers[j].from.id })
	}
}

// callByID returns the call with that number, or nil.
func (f *FuncInfo) callByID(id int32) *CallInfo {
	for i := range f.Calls {
		if id >= 0 && f.Calls[i].ID == id {
			return &f.Calls[i]
		}
	}
	return nil
}

// repeats reports whether what the call starts may run several times at once: it is in a
// loop, and a turn does not wait for the one before.
func (c *CallInfo) repeats() bool { return c.Loop > 0 && !(c.Clean && len(c.Args)+len(c.Bound) > 0) }

func (l *linker) link(n *node, c *CallInfo, impl map[string][]string) {
	kind := edgeCall
	if c.Kind == "go" {
		kind = edgeGo
	}
	switch {
	case c.Callee != "":
		l.connect(c.Callee, edge{kind: kind, from: n, call: c, args: c.Args, multi: c.repeats()})
	case c.Method != "":
		targets := l.implementers(c, impl)
		for _, t := range targets {
			l.connect(t, edge{kind: kind, from: n, call: c, args: c.Args, multi: c.repeats(), dyn: len(targets) > 2})
		}
		l.given(n, c, effectUnknown)
	case c.Ext != "":
		pkg := c.Ext
		if i := strings.LastIndexByte(pkg, '.'); i >= 0 {
			pkg = strings.TrimLeft(pkg[:i], "(*")
		}
		l.given(n, c, l.opts.Knowledge.effectOf(c.Ext, pkg))
	case c.Dyn != "" || c.Yield != "":
		d := l.flowNode(c.Dyn)
		if strings.HasPrefix(d, "F:") {
			l.connectValue(d[2:], edge{kind: kind, from: n, call: c, args: c.Args, multi: c.repeats()})
			return
		}
		if strings.HasPrefix(d, "P:") {
			return // see jumps
		}
		fs := l.flows[d]
		if c.Yield != "" && (len(fs) == 0 || len(fs) > maxTargets) {
			// An iterator that is not followed runs the loop's body and nothing else.
			l.connect(c.Yield, edge{kind: edgeCall, from: n, call: c})
			return
		}
		if len(fs) > maxTargets {
			return
		}
		for _, f := range fs {
			l.connectValue(f, edge{kind: kind, from: n, call: c, args: c.Args, multi: c.repeats(), dyn: len(fs) > 2, made: n.info.callByID(c.From)})
		}
	}
}

// given handles function values passed to code that is not followed.
func (l *linker) given(n *node, c *CallInfo, eff effect) {
	for i := range c.Args {
		a := c.Args[i]
		if a.Fn == "" {
			continue
		}
		var fs []string
		if l.nodes[a.Fn] != nil {
			fs = []string{a.Fn}
		} else {
			fs = l.flows[l.flowNode(a.Fn)]
		}
		if len(fs) > maxTargets {
			continue
		}
		for _, f := range fs {
			e := edge{from: n, call: c, args: []ArgInfo{a}}
			if strings.HasPrefix(a.Fn, "R:") {
				e.made = n.info.callByID(a.From)
			}
			t := l.nodes[f]
			if t == nil {
				continue
			}
			if t.info.Recv == "" || t.info.Parent != "" {
				e.args = nil
			}
			switch eff { // rules K2 and C2
			case effectSpawn:
				e.kind, e.multi = edgeGo, c.repeats()
			case effectHandler:
				e.kind, e.multi = edgeGo, true
			case effectSync:
				e.kind = edgeCall
			case effectOnce:
				e.kind = edgeOnce
			default:
				e.kind = edgeMaybe
				e.lib = c.Ext != "" && listens(c.Ext) || c.Method != "" && listens("/."+c.Method[:strings.IndexByte(c.Method, '(')])
				e.multi = c.Loop > 0
			}
			if c.Kind == "go" {
				e.kind, e.multi = edgeGo, c.repeats()
			}
			t.callers = append(t.callers, e)
		}
	}
}

func (l *linker) connect(key string, e edge) {
	if t := l.nodes[key]; t != nil {
		t.callers = append(t.callers, e)
	}
}

// connectValue connects a call of a function value. A method value's receiver is not among
// the arguments.
func (l *linker) connectValue(key string, e edge) {
	t := l.nodes[key]
	if t == nil {
		return
	}
	if t.info.Recv != "" && t.info.Parent == "" && len(e.args) < t.info.Params {
		e.args = append([]ArgInfo{{Path: l.bound[key]}}, e.args...)
	}
	t.callers = append(t.callers, e)
}

// bind notes to what object a method value was bound: the receiver where it is called, if
// the module binds the method to no other.
//
//	w.onChange = m.changed // in New, "…New:a0"
func (l *linker) bind(method, object string) {
	i := strings.LastIndexByte(root(object), ':')
	n := l.nodes[object[:max(i, 0)]]
	path := ""
	if n != nil {
		path = l.pin(n, object[i+1:])
		if c := path[0]; c != '@' && c != 'g' {
			path = "@" + n.info.Key + ":" + path
		}
	}
	if old, ok := l.bound[method]; ok && old != path {
		path = ""
	}
	l.bound[method] = path
}

// jumps connects function arguments with the call sites that pass them: in
// s.with(func() {…}) the literal runs at this site, with what s.with holds when it calls it.
func (l *linker) jumps() {
	type use struct {
		at   *node
		call *CallInfo
		top  *node // the function whose parameter is called
		idx  int
		goes bool
		many bool // several goroutines at once
	}
	var uses []use
	started := l.started()
	for _, n := range l.order {
		for i := range n.info.Calls {
			c := &n.info.Calls[i]
			if c.Dyn == "" {
				continue
			}
			d := l.flowNode(c.Dyn)
			if !strings.HasPrefix(d, "P:") {
				continue
			}
			j := strings.LastIndexByte(d, ':')
			top := l.nodes[d[2:j]]
			idx, err := strconv.Atoi(d[j+1:])
			if top == nil || err != nil {
				continue
			}
			goes, many := c.Kind == "go", c.Kind == "go" && c.Loop > 0
			for x := n; x != nil && x != top; x = l.nodes[x.info.Parent] {
				more, ok := started[x.info.Key]
				goes, many = goes || ok, many || more
			}
			uses = append(uses, use{n, c, top, idx, goes, goes && many})
		}
	}
	// Parameters handed on to another function that calls them count as called.
	seen, jumped := map[string]bool{}, map[string]bool{}
	for i := 0; i < len(uses) && i < 20000; i++ {
		u := uses[i]
		passed := map[string]bool{}
		for _, e := range append([]edge(nil), u.top.callers...) {
			if e.call.Ext != "" || u.idx >= len(e.args) {
				continue
			}
			a := e.args[u.idx]
			switch {
			case a.Fn == "":
			case l.nodes[a.Fn] != nil:
				passed[a.Fn] = true
				k := a.Fn + "\x00" + e.from.info.Key + "\x00" + itoa(int(e.call.Pos.Offset)) + strconv.FormatBool(u.goes)
				if seen[k] {
					continue
				}
				seen[k] = true
				t := l.nodes[a.Fn]
				je := edge{kind: edgeCall, from: e.from, call: e.call, multi: e.call.Loop > 0 || u.many}
				if u.goes || e.kind == edgeGo {
					je.kind = edgeGo
				} else if int(u.call.State) < len(u.at.info.States) && u.at == u.top {
					paths := make([]string, len(e.args))
					for i := range e.args {
						paths[i] = e.args[i].Path
					}
					st := u.at.info.States[u.call.State]
					for _, lk := range st.Must {
						if p, ok := substitute(lk.Path, paths, nil); ok {
							je.extra = append(je.extra, LockRef{p, lk.Read})
						} else {
							je.extra = append(je.extra, LockRef{"@" + u.top.info.Key + ":" + lk.Path, lk.Read})
						}
					}
				}
				if t.info.Recv != "" && t.info.Parent == "" {
					je.args = []ArgInfo{a}
				}
				if u.at != u.top && l.kept[u.at.info.Key] {
					// A literal keeps the function: it runs when the literal does.
					je = edge{kind: edgeCall, from: u.at, call: u.call, args: je.args, dyn: true}
				}
				t.callers = append(t.callers, je)
			default:
				d := l.flowNode(a.Fn)
				if strings.HasPrefix(d, "P:") {
					j := strings.LastIndexByte(d, ':')
					if top := l.nodes[d[2:j]]; top != nil && top != u.top {
						idx, _ := strconv.Atoi(d[j+1:])
						k := "use\x00" + d + "\x00" + e.from.info.Key + strconv.FormatBool(u.goes)
						if !seen[k] {
							seen[k] = true
							goes := u.goes || e.kind == edgeGo
							uses = append(uses, use{e.from, e.call, top, idx, goes, u.many})
						}
					}
				}
			}
		}
		for f := range passed {
			jumped[f] = true
		}
	}
	// What arrives in other ways is called from where the parameter is called.
	for _, u := range uses {
		fs := l.flows["P:"+u.top.info.Key+":"+itoa(u.idx)]
		if len(fs) > maxTargets {
			continue
		}
		for _, f := range fs {
			k := f + "\x00" + u.at.info.Key + "\x00" + itoa(int(u.call.Pos.Offset)) + "dyn"
			if jumped[f] || seen[k] {
				continue
			}
			seen[k] = true
			kind := edgeCall
			if u.call.Kind == "go" || u.goes {
				kind = edgeGo
			}
			l.connectValue(f, edge{kind: kind, from: u.at, call: u.call, dyn: true, multi: u.call.Loop > 0 || u.many})
		}
	}
}

// started finds what runs in goroutines of its own: functions that are started, also by a
// function that starts the one it is given, and parameters ("P:…") that are called in such.
// True says that several may run at once.
//
//	func (g *group) Go(f func() error) { go func() { g.err(f()) }() }
//	func each(n int, visit func(int))  { for i := range n { g.Go(func() error { visit(i) }) } }
func (l *linker) started() map[string]bool {
	type step struct {
		key  string
		many bool
	}
	out := map[string]bool{}
	var work []step
	starts := func(k string, many bool) {
		if old, ok := out[k]; !ok || many && !old {
			out[k] = many
			work = append(work, step{k, many})
		}
	}
	along := map[string][]step{} // what goes when that does
	for _, n := range l.order {
		for _, e := range n.callers {
			if e.kind == edgeGo {
				starts(n.info.Key, e.multi)
			}
		}
		for i := range n.info.Calls {
			c := &n.info.Calls[i]
			if d := l.flowNode(c.Dyn); strings.HasPrefix(d, "P:") {
				if c.Kind == "go" {
					starts(d, c.repeats())
				}
				top := d[2:strings.LastIndexByte(d, ':')]
				for x := n; x != nil && x.info.Key != top; x = l.nodes[x.info.Parent] {
					along[x.info.Key] = append(along[x.info.Key], step{d, false})
				}
			}
			if c.Callee == "" {
				continue
			}
			for i, a := range c.Args {
				from := a.Fn
				if l.nodes[from] == nil {
					from = l.flowNode(from)
				}
				if from == "" || l.nodes[from] == nil && !strings.HasPrefix(from, "P:") {
					continue
				}
				if p := "P:" + c.Callee + ":" + itoa(i); c.Kind == "go" {
					starts(from, c.repeats())
				} else {
					along[p] = append(along[p], step{from, c.repeats()})
				}
			}
		}
	}
	for len(work) > 0 {
		k := work[len(work)-1]
		work = work[:len(work)-1]
		for _, x := range along[k.key] {
			starts(x.key, x.many || k.many)
		}
	}
	return out
}

// findBoxed notes the types that become interfaces, and those that the module uses without:
// others call their methods, not only they themselves and what makes them.
func (l *linker) findBoxed() {
	l.boxed, l.direct = map[string]bool{}, map[string]bool{}
	for _, s := range l.sums {
		for _, fl := range s.Flows {
			if t, ok := strings.CutPrefix(fl.From, "T:"); ok && fl.To == boxed {
				l.boxed[t] = true
			}
		}
	}
	for _, n := range l.order {
		if n.info.Test || n.info.ForTests || nameStarts(n, "new", "make", "create") {
			continue
		}
		own := n
		for own.info.Parent != "" && l.nodes[own.info.Parent] != nil {
			own = l.nodes[own.info.Parent]
		}
		for i := range n.info.Calls {
			if f := l.nodes[n.info.Calls[i].Callee]; f != nil && f.info.Recv != "" && f.info.Recv != own.info.Recv {
				l.direct[f.info.Recv] = true
			}
		}
	}
}

// implementers finds the first-party methods that an interface call may reach: those of types
// that are put into interfaces, or that only others can make use of (rule C9).
//
//	group.filter = newFilter(group.broadcast) // a *filter has an observer's methods,
//	group.filter.OnMessage(m)                 // but no observer ever is one
func (l *linker) implementers(c *CallInfo, memo map[string][]string) []string {
	k := c.Method + "\x00" + strings.Join(c.Iface, "\x00")
	if out, ok := memo[k]; ok {
		return out
	}
	var out, unlikely []string
	dup := map[string]bool{}
types:
	for _, t := range l.types {
		f, ok := t.sigs[c.Method]
		if !ok {
			continue
		}
		for _, m := range c.Iface {
			if _, ok := t.sigs[m]; !ok {
				continue types
			}
		}
		if dup[f] {
			continue
		}
		if !l.boxed[t.Key] && l.direct[t.Key] {
			unlikely = append(unlikely, f)
			continue
		}
		dup[f] = true
		out = append(out, f)
	}
	if len(out) == 0 {
		out = unlikely
	}
	if len(out) > maxImplementers {
		out = nil
	}
	memo[k] = out
	return out
}

func (l *linker) newContext(kind, name string, multi bool, at *node, c *CallInfo) *runContext {
	x := &runContext{len(l.ctxs), kind, name, multi, at, c}
	l.ctxs = append(l.ctxs, x)
	return x
}

// roots finds the contexts (rules C1 to C6).
func (l *linker) roots() {
	rpc, served := map[string]bool{}, map[string]bool{}
	for _, s := range l.sums {
		for _, fl := range s.Flows {
			switch fl.To {
			case "http":
				served[strings.TrimPrefix(fl.From, "T:")] = true
			case "rpc":
				rpc[strings.TrimPrefix(fl.From, "T:")] = true
			}
		}
	}
	contracted := l.contracted()
	type spawn struct {
		what *node
		call *CallInfo
	}
	spawned := map[spawn]*runContext{} // several edges may say one thing
	for _, n := range l.order {
		f := n.info
		real, registered := 0, 0
		for i := range n.callers {
			if n.callers[i].lib {
				registered++
			}
		}
		for i := range n.callers {
			e := &n.callers[i]
			switch e.kind {
			case edgeGo:
				kind, name := "go", ""
				at := l.atLine(e.from, e.call.Pos)
				eff := l.opts.Knowledge.effectOf(e.call.Ext, "")
				switch {
				case eff == effectHandler && strings.Contains(e.call.Ext, "http"):
					kind, name = "http handler", "http handler"+at
				case e.call.Ext != "":
					name = e.call.Ext[strings.LastIndexByte(e.call.Ext, '/')+1:] + at
				default:
					name = "go" + at
				}
				k := spawn{n, e.call}
				if e.ctx = spawned[k]; e.ctx == nil {
					e.ctx = l.newContext(kind, name, e.multi, e.from, e.call)
					spawned[k] = e.ctx
				}
				real++
			case edgeMaybe:
				kind := "callback"
				if e.lib {
					kind = "listener"
				}
				e.ctx = l.newContext(kind, kind+" "+f.Name, e.lib && (e.multi || registered > 1), e.from, e.call)
			default:
				real++
			}
		}
		alone := !l.called(n)
		switch { // rules C3 to C7
		case f.Entry == "http handler" && (calledDirectly(n, served[f.Key]) || f.Parent != "" && real > 0):
		case contracted[f.Key] != "":
			n.root = l.newContext("contract", f.Name+" as "+contracted[f.Key], true, n, nil)
		case f.Entry != "":
			n.root = l.newContext(f.Entry, entryName(f), f.Entry == "http handler", n, nil)
		case rpc[f.Key]:
			n.root = l.newContext("rpc handler", "rpc handler "+f.Name, true, n, nil)
		// Rules C4 and C5.
		case (alone || n.fillsCache()) && f.Exported && f.Parent == "":
			n.root = l.newContext("exported API", "exported API "+f.Name, true, n, nil)
		case alone && f.Recv != "" && f.Parent == "" && exportedName(f.Name):
			n.root = l.newContext("callback", "callback "+f.Name, false, n, nil)
		case alone && (f.Parent != "" || l.taken[f.Key] && !f.Test):
			n.root = l.newContext("callback", "callback "+f.Name, false, n, nil)
		case f.Test && strings.HasPrefix(f.Name, "Test") && len(n.callers) == 0:
			n.root = l.newContext("test", "test "+f.Name, false, n, nil)
		}
	}
}

// called reports whether anything but what helps tests calls a function (rule C8).
func (l *linker) called(n *node) bool {
	return slices.ContainsFunc(n.callers, func(e edge) bool { return !l.forTests(e.from, n.sum) })
}

// forTests reports whether a function is there to help tests of another package: what it does
// there does not count, unless tests do (rule C8).
func (l *linker) forTests(n *node, other *Summary) bool {
	return n.info.ForTests && !l.opts.Tests && n.sum != other
}

// fillsCache reports whether an exported function of an importable package fills a package
// variable on a miss. Then its callers in the module are not the only ones to count: it is
// called wherever its result is wanted, not only at start-up as a function that registers.
func (n *node) fillsCache() bool {
	if n.sum.Name == "main" || strings.Contains("/"+n.sum.Package+"/", "/internal/") {
		return false
	}
	for i := range n.info.Accesses {
		if n.info.Accesses[i].Lazy {
			return true
		}
	}
	return false
}

// calledDirectly reports whether a function with a handler's signature is a part of another
// handler, or runs on an object of its caller's; but what a library is handed to serve requests
// with does so, whoever else calls it:
//
//	s.ServeHTTP(w, r) // to warm up
//	http.Handle("/", s)
func calledDirectly(n *node, served bool) bool {
	for i := range n.callers {
		e := &n.callers[i]
		if e.kind != edgeCall || e.dyn || e.call.Callee == "" || e.from.info.Test || e.from.info.ForTests {
			continue
		}
		if !strings.HasSuffix(n.info.Name, ".ServeHTTP") || len(e.args) > 0 && e.args[0].Fresh && !served {
			return true
		}
	}
	return false
}

// contracted finds the methods by which types implement a contract (rule C7): function →
// interface.
func (l *linker) contracted() map[string]string {
	out := map[string]string{}
	l.whole = map[string]bool{}
	for _, t := range l.types {
	next:
		for _, c := range contracts {
			for _, m := range c.Methods {
				if t.sigs[m] == "" {
					continue next
				}
			}
			for _, m := range c.Methods {
				out[t.sigs[m]] = c.Name
			}
			if c.Whole {
				l.whole[t.Key] = true
			}
		}
	}
	return out
}

func exportedName(name string) bool {
	i := strings.LastIndexByte(name, '.')
	return i+1 < len(name) && name[i+1] >= 'A' && name[i+1] <= 'Z'
}

func entryName(f *FuncInfo) string {
	switch f.Entry {
	case "main", "init":
		return f.Entry
	}
	return f.Entry + " " + f.Name
}

// spread computes for every function the contexts that can run it.
func (l *linker) spread() {
	words := (len(l.ctxs) + 63) / 64
	callees := make([][]*node, len(l.order))
	add := func(n *node, c *runContext) { n.ctxs[c.id/64] |= 1 << (c.id % 64) }
	for _, n := range l.order {
		n.ctxs = make([]uint64, words)
		if n.root != nil {
			add(n, n.root)
		}
		for _, e := range n.callers {
			if e.ctx != nil {
				add(n, e.ctx)
			}
			if e.kind == edgeCall || e.kind == edgeOnce {
				callees[e.from.id] = append(callees[e.from.id], n)
			}
		}
	}
	work := append([]*node(nil), l.order...)
	queued := make([]bool, len(l.order))
	for i := range queued {
		queued[i] = true
	}
	for len(work) > 0 {
		n := work[0]
		work = work[1:]
		queued[n.id] = false
		for _, t := range callees[n.id] {
			grew := false
			for i, w := range n.ctxs {
				if w&^t.ctxs[i] != 0 {
					t.ctxs[i] |= w
					grew = true
				}
			}
			if grew && !queued[t.id] {
				queued[t.id] = true
				work = append(work, t)
			}
		}
	}
}

// pin moves a path out of a literal's free variables, and names the frame of local roots.
func (l *linker) pin(n *node, path string) string {
	for {
		i := rootIndex(root(path), 'f')
		if i < 0 {
			return l.explain(n, path)
		}
		if i >= len(n.info.Free) {
			return "u" + rest(path)
		}
		p := n.info.Free[i]
		if strings.HasPrefix(p, "g:") || strings.HasPrefix(p, "F:") {
			return limit(p + rest(path))
		}
		path = limit(p + rest(path))
		up := l.nodes[n.info.Parent]
		if up == nil {
			return "u" + rest(path)
		}
		if rootIndex(root(path), 'f') >= 0 {
			n = up
			continue
		}
		path, _ = unalias(up, path)
		return "@" + up.info.Key + ":" + path
	}
}

// explain replaces a result that the summary could not name, because a function value or an
// interface was called, by what the possible callees return.
//
//	p := planner{blocked: filter.Blocked} // func (f *filter) Blocked() map[string]bool { return f.m }
//	for id := range p.blocked() { … }     // ranges over a filter's m
func (l *linker) explain(n *node, path string) string {
	r := root(path)
	if r[0] != 'c' || strings.IndexByte(r, '_') < 0 {
		return path
	}
	id, err1 := strconv.Atoi(r[1:strings.IndexByte(r, '_')])
	res, err2 := strconv.Atoi(r[strings.IndexByte(r, '_')+1:])
	if err1 != nil || err2 != nil {
		return path
	}
	c := n.info.callByID(int32(id))
	if c == nil {
		return path
	}
	for _, t := range l.explainers(c) {
		f := l.nodes[t]
		if f == nil || res >= len(f.info.Results) || f.info.Results[res].Path == "" {
			continue
		}
		var args []string
		if c.Method == "" && f.info.Recv != "" && f.info.Parent == "" && len(c.Args) < f.info.Params {
			args = append(args, "u") // the receiver of a method value
		}
		for _, a := range c.Args {
			args = append(args, a.Path)
		}
		if p, ok := substitute(f.info.Results[res].Path, args, nil); ok {
			return limit(p + rest(path))
		}
	}
	return path
}

// explainers lists the functions that a call through a function value or an interface may
// reach, if they are few.
func (l *linker) explainers(c *CallInfo) []string {
	if c.Callee != "" || c.Ext != "" || c.Lib {
		return nil
	}
	var targets []string
	if c.Method != "" {
		targets = l.implementers(c, l.impl)
	} else if d := l.flowNode(c.Dyn); strings.HasPrefix(d, "F:") {
		targets = []string{d[2:]}
	} else {
		targets = l.flows[d]
	}
	const few = 4
	if len(targets) > few {
		return nil
	}
	return targets
}

// lift rewrites a path of callee n into the frame of the caller of edge e. Walks from many
// accesses lead over the same edges with the same few locks: each answer is found once, and
// its string is kept once.
func (l *linker) lift(n *node, e *edge, path string) (string, *ArgInfo) {
	k := liftKey{e, path}
	if v, ok := l.lifted[k]; ok {
		return v.path, v.arg
	}
	var v lifted
	v.path, v.arg = l.liftOnce(n, e, path)
	l.lifted[k] = v
	return v.path, v.arg
}

// liftLock lifts the path of a lock, which keeps the name of its field: that the field was
// given a mutex made on the spot says nothing.
//
//	c := &cache{mu: new(sync.Mutex)}; c.save() // locks cache.mu
func (l *linker) liftLock(n *node, e *edge, path string) string {
	p, _ := l.lift(n, e, path)
	if rest(p) == "" && rest(path) != "" {
		return "u|" + lastSelector(path)
	}
	return p
}

type liftKey struct {
	e    *edge
	path string
}

type lifted struct {
	path string
	arg  *ArgInfo
}

func (l *linker) liftOnce(n *node, e *edge, path string) (string, *ArgInfo) {
	r := root(path)
	switch {
	case strings.HasPrefix(r, "g:"):
		return path, nil
	case r[0] == '@' && e.made != nil && strings.HasPrefix(path, "@"+e.made.Callee+":"):
		// What the literal captured of the function that made it, which from called.
		p := path[len("@"+e.made.Callee+":"):]
		if i := rootIndex(root(p), 'p'); i >= 0 && i < len(e.made.Args) && e.made.Args[i].Path != "" {
			return l.pin(e.from, limit(e.made.Args[i].Path+rest(p))), &e.made.Args[i]
		}
		return path, nil
	case r[0] == '@':
		pre := "@" + e.from.info.Key + ":"
		if strings.HasPrefix(path, pre) {
			p := path[len(pre):]
			if q, ok := unalias(e.from, p); ok {
				return l.pin(e.from, q), nil
			}
			for i := range e.call.Bound {
				if root(e.call.Bound[i].Path) == root(p) {
					return l.pin(e.from, p), &e.call.Bound[i]
				}
			}
			return l.pin(e.from, p), nil
		}
		return path, nil
	case r[0] == 'p':
		i := rootIndex(r, 'p')
		if i >= 0 && i < len(e.args) && e.args[i].Path != "" {
			p := limit(e.args[i].Path + rest(path))
			q, ok := unalias(e.from, p)
			if ok && q[0] != 'a' {
				return l.pin(e.from, q), nil
			}
			return l.pin(e.from, q), &e.args[i]
		}
		return "u" + rest(path), nil
	case r == "u":
		return path, nil
	default:
		return "@" + n.info.Key + ":" + path, nil
	}
}

// unalias sees through what a function put into an object that it made (rule O6).
func unalias(n *node, path string) (string, bool) {
	if c := path[0]; c != 'a' && c != 'c' && !strings.HasPrefix(rest(path), "|<") {
		return path, false
	}
	seen := false
	for range 3 { // an object in an object in an object
		i := slices.IndexFunc(n.info.Aliases, func(a AliasInfo) bool { return hasPrefix(path, a.Base) })
		if i < 0 {
			break
		}
		a := n.info.Aliases[i]
		path, seen = limit(a.Path+path[len(a.Base):]), true
	}
	return path, seen
}

func sortSummaries(sums []*Summary) {
	sort.Slice(sums, func(i, j int) bool { return sums[i].Package < sums[j].Package })
}
