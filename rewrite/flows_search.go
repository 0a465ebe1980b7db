// This file searches the graph: from each observer back to all it may observe, and
// down the types of that to the fields it sees.

package rewrite

import (
	"cmp"
	"go/token"
	"go/types"
	"slices"
)

// A flowWalk is one search, for all sinks of one view and name.
type flowWalk struct {
	*flows
	view    view
	states  []flowState
	seenN   map[nodeState]bool
	seenT   map[typeState]bool
	marked  map[token.Pos]bool
	distant map[token.Pos]bool // marked, but only through an object with an identity
	impl    map[implKey]bool
}

// stateFlags qualify how a value is reached.
type stateFlags struct {
	inner    bool // viewFmt: below the top
	hidden   bool // viewFmt: through an unexported field, so that no method is called
	settable bool // viewEncoder: addressable
	encode   bool // viewTemplate: already printing; viewRPC: already encoding
	nested   bool // in a field of what the observer got
	object   bool // through a pointer to an object with an identity: see identity
	fmt      int
}

type nodeState struct {
	id           nodeID
	iface, outer *types.Interface
	stateFlags
}

type typeState struct {
	typ types.Type
	stateFlags
}

// A flowState is a place or a type that the observer sees; parent leads to the sink.
type flowState struct {
	stateFlags
	node   nodeID
	iface  *types.Interface // what the values that matter at node implement; nil: any
	outer  *types.Interface // and this too, when iface does not say so
	typ    types.Type       // nil for a node
	event  bool             // typ became an interface value at pos
	pos    token.Pos
	sink   *flowSink
	parent int
}

func (f *flows) search() {
	type group struct {
		view
		name string
	}
	groups := map[group][]*flowSink{}
	for i := range f.sinks {
		s := &f.sinks[i]
		k := group{s.view, s.name}
		k.verb = ""
		groups[k] = append(groups[k], s)
	}
	keys := make([]group, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind), cmp.Compare(a.view.fmt, b.view.fmt), cmp.Compare(groups[a][0].pos, groups[b][0].pos))
	})
	impl := map[implKey]bool{}
	var states []flowState // of the walk before: the room serves the next
	for _, k := range keys {
		sinks := groups[k]
		slices.SortFunc(sinks, func(a, b *flowSink) int { return cmp.Compare(a.pos, b.pos) })
		w := &flowWalk{flows: f, view: k.view, seenN: map[nodeState]bool{}, seenT: map[typeState]bool{}, marked: map[token.Pos]bool{}, distant: map[token.Pos]bool{}, impl: impl, states: states[:0]}
		for _, s := range sinks {
			w.enter(flowState{node: s.node, sink: s, parent: -1, stateFlags: stateFlags{fmt: k.view.fmt}})
		}
		w.run()
		states = w.states
	}
}

func (w *flowWalk) enter(s flowState) {
	if s.typ == nil {
		if j := w.nodes[s.node].iface; j != nil && j != s.iface {
			if s.iface == nil || w.includes(s.iface, j) {
				// What is known already is as strict.
			} else if !w.includes(j, s.iface) {
				s.outer = s.iface
			}
			if s.iface == nil || !w.includes(s.iface, j) {
				s.iface = j
			}
		}
		k := nodeState{s.node, s.iface, s.outer, s.stateFlags}
		if w.seenN[k] {
			return
		}
		w.seenN[k] = true
	} else {
		k := typeState{s.typ, s.stateFlags}
		if w.seenT[k] {
			return
		}
		w.seenT[k] = true
	}
	w.states = append(w.states, s)
}

func (w *flowWalk) run() {
	for i := 0; i < len(w.states); i++ {
		s := w.states[i]
		if s.typ != nil {
			w.typ(i, s)
			continue
		}
		n := &w.nodes[s.node]
		for _, e := range n.events {
			if s.iface != nil && !w.canBe(e.typ, s.iface) || s.outer != nil && !w.canBe(e.typ, s.outer) {
				continue
			}
			next := s
			next.typ, next.event, next.pos, next.parent = e.typ, true, e.pos, i
			next.iface, next.outer = nil, nil
			if w.verb(&next, e.verb) {
				w.enter(next)
			}
		}
		for _, e := range n.from {
			next := s
			next.node, next.pos, next.parent = e.from, e.pos, i
			if w.verb(&next, e.verb) {
				w.enter(next)
			}
		}
	}
}

// canBe reports whether a value of type t can be where all values implement iface.
func (w *flowWalk) canBe(t types.Type, iface *types.Interface) bool {
	if mentionsTypeParam(t, 0) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Slice, *types.Array, *types.Map, *types.Chan, *types.Interface:
		if _, named := types.Unalias(t).(*types.Named); !named {
			return true // a container: its elements may be
		}
	case *types.Pointer:
		if isInterface(u.Elem()) {
			return true
		}
	}
	k := implKey{t, iface}
	ok, known := w.impl[k]
	if !known {
		ok = implements(t, iface)
		w.impl[k] = ok
	}
	return ok
}

// includes reports whether whatever implements a implements b.
func (w *flowWalk) includes(a, b *types.Interface) bool {
	k := implKey{a, b}
	ok, known := w.impl[k]
	if !known {
		ok = implements(a, b)
		w.impl[k] = ok
	}
	return ok
}

type implKey struct {
	typ   types.Type
	iface *types.Interface
}

// verb settles how a printf that gets its format from elsewhere prints, when the
// verb stands at the call of its wrapper. It reports whether anything is shown.
func (w *flowWalk) verb(s *flowState, verb byte) bool {
	if w.view.kind != viewFmt || s.fmt != fmtDynamic || s.inner {
		return true
	}
	if verb == 'T' {
		return false
	}
	if verb == 0 {
		return true
	}
	mode, ok := verbView(verb)
	s.fmt = mode
	return ok
}

// typ continues into the parts of a value of type s.typ that the observer sees.
func (w *flowWalk) typ(i int, s flowState) {
	to := func(t types.Type, change func(*stateFlags)) {
		next := flowState{typ: types.Unalias(t), sink: s.sink, parent: i, stateFlags: s.stateFlags}
		if change != nil {
			change(&next.stateFlags)
		}
		w.enter(next)
	}
	inner := func(f *stateFlags) { f.inner = true }
	t := types.Unalias(s.typ)
	kind := w.view.kind
	if kind == viewRPC && s.encode {
		kind = viewEncoder
	}
	if kind == viewTemplate {
		w.template(i, s, to)
		if s.encode {
			kind = viewFmt
		}
	}
	if w.opaque(kind, t, s) {
		return
	}
	switch u := t.(type) {
	case *types.TypeParam:
		for _, arg := range w.bindings[u.Obj().Pos()] {
			to(arg, nil)
		}
		return
	case *types.Named:
		if kind == viewType {
			return
		}
		if !w.local(u.Obj().Pkg()) {
			if kind == viewDeep || kind == viewUnknown || kind == viewEncoder {
				for arg := range u.TypeArgs().Types() {
					to(arg, inner)
				}
			}
			if _, ok := u.Underlying().(*types.Struct); ok && u.TypeArgs().Len() == 0 {
				return // no field of an external struct has a type of the module
			}
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for j := range u.NumFields() {
			w.field(i, s, kind, u, j, to)
		}
	case *types.Pointer:
		switch kind {
		case viewFmt:
			if s.inner {
				return
			}
			switch u.Elem().Underlying().(type) {
			case *types.Struct, *types.Slice, *types.Array, *types.Map, *types.Interface:
				to(u.Elem(), func(f *stateFlags) { f.inner = true })
			}
			if _, ok := types.Unalias(u.Elem()).(*types.TypeParam); ok {
				to(u.Elem(), inner)
			}
		case viewEqual:
		case viewMemory:
			if !s.inner {
				to(u.Elem(), inner)
			}
		default:
			object := (kind == viewDeep || kind == viewUnknown) && s.nested && hasIdentity(u.Elem())
			to(u.Elem(), func(f *stateFlags) { f.settable = true; f.object = f.object || object })
		}
	case *types.Slice:
		if kind != viewEqual && kind != viewMemory {
			to(u.Elem(), func(f *stateFlags) { f.inner, f.settable = true, true })
		}
	case *types.Array:
		to(u.Elem(), inner)
	case *types.Map:
		if kind != viewEqual && kind != viewMemory {
			set := func(f *stateFlags) { f.inner = true; f.settable = w.view.enc != nil && w.view.verb != "" }
			to(u.Key(), set)
			to(u.Elem(), set)
		}
	case *types.Chan:
		if kind == viewUnknown || kind == viewTemplate || kind == viewType {
			to(u.Elem(), inner)
		}
	case *types.Signature:
		if kind == viewUnknown || kind == viewTemplate || kind == viewType {
			for v := range u.Params().Variables() {
				to(v.Type(), inner)
			}
			for v := range u.Results().Variables() {
				to(v.Type(), inner)
				if kind != viewType && w.local(v.Pkg()) && w.carrier(v.Type()) {
					next := flowState{node: w.varNode(v), sink: s.sink, parent: i, stateFlags: s.stateFlags}
					next.inner = true
					w.enter(next)
				}
			}
		}
	}
}

// field continues into field j of a struct when the observer sees it.
func (w *flowWalk) field(i int, s flowState, kind viewKind, u *types.Struct, j int, to func(types.Type, func(*stateFlags))) {
	v := u.Field(j)
	change := func(f *stateFlags) { f.inner = true }
	switch kind {
	case viewDeep, viewUnknown:
		change = func(f *stateFlags) { f.inner, f.nested = true, true }
	case viewFmt:
		change = func(f *stateFlags) { f.inner = true; f.hidden = f.hidden || !v.Exported() }
	case viewEncoder:
		if !v.Exported() {
			if _, ok := deref(v.Type()).Underlying().(*types.Struct); !v.Embedded() || !ok {
				return
			}
		}
		for _, key := range w.view.enc.tags {
			if tag, ok := fieldTag(u.Tag(j), key); ok && tag == "-" {
				return
			}
		}
	case viewTemplate:
		if !v.Exported() && !v.Embedded() {
			return
		}
	case viewRPC:
		return
	}
	if v.Name() == "_" && kind != viewMemory && kind != viewFmt {
		return
	}
	if w.local(v.Pkg()) {
		w.mark(i, v.Pos())
	}
	to(v.Type(), change)
	if w.carrier(v.Type()) && w.local(v.Pkg()) {
		next := flowState{node: w.varNode(v), sink: s.sink, parent: i, stateFlags: s.stateFlags}
		change(&next.stateFlags)
		if kind != viewMemory && kind != viewType {
			w.enter(next)
		}
	}
}

// template: what a template navigates to is printed at will; results of exported
// methods are values too.
func (w *flowWalk) template(i int, s flowState, to func(types.Type, func(*stateFlags))) {
	if s.encode {
		return
	}
	to(s.typ, func(f *stateFlags) { *f = stateFlags{encode: true} })
	w.methodsOf(s.typ, func(fn *types.Func) {
		for v := range fn.Signature().Results().Variables() {
			to(v.Type(), func(f *stateFlags) { *f = stateFlags{} })
			if w.carrier(v.Type()) && w.local(fn.Pkg()) {
				w.enter(flowState{node: w.varNode(v), sink: s.sink, parent: i})
			}
		}
	})
}

// methodsOf calls f for the exported methods that are declared in the module.
func (w *flowWalk) methodsOf(t types.Type, f func(*types.Func)) {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return
	}
	if _, ok := t.Underlying().(*types.Pointer); !ok && !isInterface(t) {
		t = types.NewPointer(t)
	}
	set := types.NewMethodSet(t)
	for m := range set.Methods() {
		if fn, ok := m.Obj().(*types.Func); ok && fn.Exported() {
			f(fn)
		}
	}
}

// opaque reports whether the observer asks the value's own method instead of looking
// into it.
func (w *flowWalk) opaque(kind viewKind, t types.Type, s flowState) bool {
	switch kind {
	case viewFmt:
		if s.hidden {
			return false
		}
		if hasMethod(t, "Format", 2) {
			return true
		}
		if w.view.kind == viewTemplate || s.fmt == fmtMethods {
			return hasMethod(t, "Error", 0) || hasMethod(t, "String", 0)
		}
	case viewEncoder:
		for _, name := range w.view.enc.methods {
			if hasMethod(t, name, -1) || s.settable && w.view.enc.addr && hasMethod(types.NewPointer(t), name, -1) {
				return true
			}
		}
	case viewRPC:
		w.methodsOf(t, func(fn *types.Func) {
			for v := range fn.Signature().Params().Variables() {
				w.enter(flowState{typ: v.Type(), sink: s.sink, parent: len(w.states) - 1, stateFlags: stateFlags{encode: true}})
			}
		})
		return true
	}
	return false
}

// hasMethod reports whether values of type t have the method (params: how many it
// takes; -1: any).
func hasMethod(t types.Type, name string, params int) bool {
	switch u := t.(type) {
	case *types.Named:
	case *types.Struct: // promoted from an embedded field
		if u.NumFields() == 0 {
			return false
		}
	case *types.Pointer:
		if _, ok := t.Underlying().(*types.Pointer); !ok {
			return false
		}
	default:
		return false
	}
	if isInterface(t) {
		return false
	}
	obj, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
	fn, ok := obj.(*types.Func)
	if !ok {
		return false
	}
	sig := fn.Signature()
	if params >= 0 && sig.Params().Len() != params {
		return false
	}
	if name == "String" || name == "Error" {
		if sig.Results().Len() != 1 || !types.Identical(sig.Results().At(0).Type(), types.Typ[types.String]) {
			return false
		}
	}
	return true
}

// hasIdentity reports whether t is a struct that is an object rather than data: it
// has a lock, a channel or a function in it. See rule 9.
func hasIdentity(t types.Type) bool {
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range s.Fields() {
		switch f.Type().Underlying().(type) {
		case *types.Chan, *types.Signature:
			return true
		case *types.Struct:
			if named, ok := types.Unalias(f.Type()).(*types.Named); ok && named.Obj().Pkg() != nil {
				switch path := named.Obj().Pkg().Path(); path {
				case "sync", "sync/atomic":
					return true
				}
			}
		}
	}
	return false
}

// mark records that the observer sees the field at pos.
func (w *flowWalk) mark(i int, pos token.Pos) {
	object := w.states[i].object
	if w.marked[pos] || object && w.distant[pos] {
		return
	}
	if object {
		w.distant[pos] = true
	} else {
		w.marked[pos] = true
	}
	s := sighting{sink: w.states[i].sink, distant: object}
	// Towards the sink: the first event is the one nearest to the field, the last what
	// the observer got.
	var between []token.Pos
	for j := i; j >= 0; j = w.states[j].parent {
		st := &w.states[j]
		if st.event {
			if s.typ == nil {
				s.typ, s.pos = st.typ, st.pos
			} else {
				between = append(between, st.pos)
			}
			s.top = st.typ
		} else if st.typ == nil && st.pos.IsValid() && s.typ != nil {
			between = append(between, st.pos)
		}
	}
	if s.typ == nil {
		s.typ, s.top = w.states[i].typ, w.states[i].typ
	}
	last := token.NoPos
	for _, p := range between {
		if p != last && p != s.pos {
			s.route = append(s.route, p)
		}
		last = p
	}
	w.seen[pos] = append(w.seen[pos], s)
}
