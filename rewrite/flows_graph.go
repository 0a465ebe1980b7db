// This file defines the graph of interface values that flows searches: its nodes,
// and what is known of the types that flow through them.

package rewrite

import (
	"bytes"
	"go/token"
	"go/types"
)

// A nodeKey names a place that holds interface values: a variable, parameter,
// result or field by the position of its declaration (the same in every variant
// of a package), an expression by the position of its bracket and index 1, or,
// with text, something that has no declaration in the source.
type nodeKey struct {
	pos  token.Pos
	idx  int
	text string
}

type nodeID int32

// A flowNode is one place. The graph is only ever searched from the observers
// back to what they may observe, so it stores incoming edges.
type flowNode struct {
	from   []flowEdge
	events []flowEvent
	iface  *types.Interface // when all values here implement it (it has methods); else nil
}

// A flowEdge: what the node from holds, this one may hold.
type flowEdge struct {
	from nodeID
	pos  token.Pos // of the expression that makes the flow; NoPos when not worth showing
	verb byte      // of a constant format string beside it; 0 when there is none
}

// A flowEvent: a value of static type typ becomes an interface value here.
type flowEvent struct {
	typ  types.Type
	pos  token.Pos
	verb byte
}

// A flowSink is one place that observes interface values.
type flowSink struct {
	view view
	name string // as the message shows it: json.Marshal
	how  string // "passed to", "compared with", …
	pos  token.Pos
	node nodeID
}

type flowGraph struct {
	inSource map[string]bool // import paths with syntax
	nodes    []flowNode
	ids      map[nodeKey]nodeID
	sinks    []flowSink
	sinkIDs  map[sinkKey]nodeID
	edges    map[edgeKey]bool
	bindings map[token.Pos][]types.Type // type parameter → type arguments
	bound    map[bindKey]bool
	fields   map[token.Pos]*flowField
	pairs    map[token.Pos][]fieldPair // fields of structs that are converted to one another
	carry    map[types.Type]bool
	methods  map[string][]*types.Func // declared in source, by name

	ifaceCalls map[string]*ifaceMethod
	funcSigs   map[string]*funcShape
	extMethods map[string]map[*types.Func]bool // by method name: external methods seen behind an interface
	seenConv   map[[2]types.Type]bool
}

type sinkKey struct {
	pos  token.Pos
	name string
	kind viewKind
	fmt  int
	enc  *encoder
	note bool
}

type edgeKey struct {
	from, to nodeID
	verb     byte
}

type bindKey struct {
	param token.Pos
	arg   types.Type
}

// A flowField is the declaration of a struct field.
type flowField struct {
	name, holder string
	tag          string
	exported     bool
	pos          token.Pos
}

type fieldPair struct {
	other token.Pos
	pos   token.Pos // of the conversion
	from  types.Type
	to    types.Type
}

// An ifaceMethod stands for all methods of one name and signature that are called
// through an interface.
type ifaceMethod struct {
	name string
	sig  *types.Signature
	key  string
}

// A funcShape stands for all function values of one signature.
type funcShape struct {
	sig    *types.Signature
	key    string
	loose  bool // mentions type parameters: matches any of the same arity
	called bool
	values []funcValue
}

type funcValue struct {
	sig *types.Signature // with the parameters as declared
	ext *types.Func      // outside the module
	pos token.Pos
}

func newFlowGraph() *flowGraph {
	return &flowGraph{
		inSource:   map[string]bool{},
		ids:        map[nodeKey]nodeID{},
		sinkIDs:    map[sinkKey]nodeID{},
		edges:      map[edgeKey]bool{},
		bindings:   map[token.Pos][]types.Type{},
		bound:      map[bindKey]bool{},
		fields:     map[token.Pos]*flowField{},
		pairs:      map[token.Pos][]fieldPair{},
		carry:      map[types.Type]bool{},
		methods:    map[string][]*types.Func{},
		ifaceCalls: map[string]*ifaceMethod{},
		funcSigs:   map[string]*funcShape{},
		extMethods: map[string]map[*types.Func]bool{},
		seenConv:   map[[2]types.Type]bool{},
	}
}

func (g *flowGraph) node(k nodeKey) nodeID {
	id, ok := g.ids[k]
	if !ok {
		id = nodeID(len(g.nodes))
		g.nodes = append(g.nodes, flowNode{})
		g.ids[k] = id
	}
	return id
}

func (g *flowGraph) varNode(v *types.Var) nodeID {
	id := g.node(nodeKey{pos: v.Pos()})
	if n := &g.nodes[id]; n.iface == nil {
		n.iface = methodful(v.Type())
	}
	return id
}

func (g *flowGraph) textNode(s string) nodeID { return g.node(nodeKey{text: s}) }

// typedNode is textNode for a place whose values have type t.
func (g *flowGraph) typedNode(s string, t types.Type) nodeID {
	id := g.textNode(s)
	if n := &g.nodes[id]; n.iface == nil {
		n.iface = methodful(t)
	}
	return id
}

// methodful returns the interface that every value in a place of type t implements,
// or nil. Those of package reflect stand for the values they describe.
func methodful(t types.Type) *types.Interface {
	for range 8 {
		t = types.Unalias(t)
		if named, ok := t.(*types.Named); ok {
			if pkg := named.Obj().Pkg(); pkg != nil && pkg.Path() == "reflect" {
				return nil
			}
		}
		if _, ok := t.(*types.TypeParam); ok {
			return nil
		}
		switch u := t.Underlying().(type) {
		case *types.Interface:
			if u.NumMethods() > 0 {
				return u
			}
			return nil
		case *types.Pointer:
			t = u.Elem()
		case *types.Slice:
			t = u.Elem()
		case *types.Array:
			t = u.Elem()
		case *types.Chan:
			t = u.Elem()
		default:
			return nil
		}
	}
	return nil
}

func (g *flowGraph) edge(from, to nodeID, pos token.Pos, verb byte) {
	k := edgeKey{from, to, verb}
	if from == to || g.edges[k] {
		return
	}
	g.edges[k] = true
	g.nodes[to].from = append(g.nodes[to].from, flowEdge{from, pos, verb})
}

func (g *flowGraph) event(to nodeID, t types.Type, pos token.Pos, verb byte) {
	if !g.mayHold(t) {
		return
	}
	n := &g.nodes[to]
	for _, e := range n.events {
		if e.pos == pos && e.verb == verb && types.Identical(e.typ, t) {
			return
		}
	}
	n.events = append(n.events, flowEvent{t, pos, verb})
}

// mayHold reports whether a value of type t can hold anything but basic values.
func (g *flowGraph) mayHold(t types.Type) bool {
	for {
		switch u := types.Unalias(t).(type) {
		case *types.Basic:
			return false
		case *types.Pointer:
			t = u.Elem()
		case *types.Slice:
			t = u.Elem()
		case *types.Array:
			t = u.Elem()
		case *types.Named:
			_, basic := u.Underlying().(*types.Basic)
			return !basic
		default:
			return true
		}
	}
}

// sink returns the node of an observer; what flows into the node is observed.
func (g *flowGraph) sink(v view, name, how string, pos token.Pos) nodeID {
	k := sinkKey{pos, name, v.kind, v.fmt, v.enc, v.note}
	id, ok := g.sinkIDs[k]
	if !ok {
		id = nodeID(len(g.nodes))
		g.nodes = append(g.nodes, flowNode{})
		g.sinkIDs[k] = id
		g.sinks = append(g.sinks, flowSink{v, name, how, pos, id})
	}
	return id
}

// bind records that a type parameter was instantiated with arg.
func (g *flowGraph) bind(param *types.TypeParam, arg types.Type) {
	k := bindKey{param.Obj().Pos(), arg}
	if !g.bound[k] && arg != param {
		g.bound[k] = true
		g.bindings[k.param] = append(g.bindings[k.param], arg)
	}
}

func (g *flowGraph) local(pkg *types.Package) bool { return pkg != nil && g.inSource[pkg.Path()] }

// isInterface reports whether values of type t are interface values. A type
// parameter is not an interface here: what it stands for is in bindings.
func isInterface(t types.Type) bool {
	if t == nil {
		return false
	}
	t = types.Unalias(t)
	if _, ok := t.(*types.TypeParam); ok {
		return false
	}
	_, ok := t.Underlying().(*types.Interface)
	return ok
}

// carrier reports whether a variable of type t has a node of its own: it holds
// interface values directly or in the elements of unnamed structure. The fields of
// structs are nodes themselves.
func (g *flowGraph) carrier(t types.Type) bool {
	if t == nil {
		return false
	}
	t = types.Unalias(t)
	c, ok := g.carry[t]
	if !ok {
		c = g.carries(t, map[types.Type]bool{})
		g.carry[t] = c
	}
	return c
}

func (g *flowGraph) carries(t types.Type, seen map[types.Type]bool) bool {
	switch u := types.Unalias(t).(type) {
	case *types.Interface:
		return true
	case *types.TypeParam:
		if seen[u] {
			return false
		}
		seen[u] = true
		for _, arg := range g.bindings[u.Obj().Pos()] {
			if g.carries(arg, seen) {
				return true
			}
		}
		return false
	case *types.Named:
		if seen[u] {
			return false
		}
		seen[u] = true
		pkg := u.Obj().Pkg()
		if pkg != nil && externalCarriers[canonicalPath(pkg.Path())+"."+u.Obj().Name()] {
			return true
		}
		if !g.local(pkg) {
			for arg := range u.TypeArgs().Types() {
				if g.carries(arg, seen) {
					return true
				}
			}
		}
		return g.carries(u.Underlying(), seen)
	case *types.Pointer:
		return g.carries(u.Elem(), seen)
	case *types.Slice:
		return g.carries(u.Elem(), seen)
	case *types.Array:
		return g.carries(u.Elem(), seen)
	case *types.Chan:
		return g.carries(u.Elem(), seen)
	case *types.Map:
		return g.carries(u.Elem(), seen) || g.carries(u.Key(), seen)
	}
	return false
}

// holdsEmpty reports whether t has an interface without methods inside unnamed
// structure (any, ...any, map[string]any): what takes it can look at anything.
func holdsEmpty(t types.Type) bool { return holdsEmptyN(t, 0) }

func holdsEmptyN(t types.Type, depth int) bool {
	if depth > 8 {
		return true
	}
	switch u := types.Unalias(t).(type) {
	case *types.TypeParam:
		return false
	case *types.Named:
		if pkg := u.Obj().Pkg(); pkg != nil && pkg.Path() == "reflect" && (u.Obj().Name() == "Value" || u.Obj().Name() == "Type") {
			return true
		}
		if _, ok := u.Underlying().(*types.Struct); ok {
			return false
		}
		return holdsEmptyN(u.Underlying(), depth+1)
	case *types.Interface:
		return u.NumMethods() == 0
	case *types.Pointer:
		return holdsEmptyN(u.Elem(), depth+1)
	case *types.Slice:
		return holdsEmptyN(u.Elem(), depth+1)
	case *types.Array:
		return holdsEmptyN(u.Elem(), depth+1)
	case *types.Chan:
		return holdsEmptyN(u.Elem(), depth+1)
	case *types.Map:
		return holdsEmptyN(u.Elem(), depth+1) || holdsEmptyN(u.Key(), depth+1)
	}
	return false
}

// shares reports whether a copy of a value of type t shares its interface values
// with the original, so that what flows into one is in the other.
func shares(t types.Type) bool {
	switch u := types.Unalias(t).Underlying().(type) {
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan:
		return true
	case *types.Array:
		return shares(u.Elem())
	case *types.Interface:
		_, param := types.Unalias(t).(*types.TypeParam)
		return param
	case *types.Struct:
		return true // an external carrier
	}
	return false
}

// sigKey is a signature's identity across variants of a package, receiver and
// parameter names left out. loose: it mentions type parameters, which have other
// names elsewhere.
func sigKey(sig *types.Signature) (key string, loose bool) {
	var b bytes.Buffer
	qual := func(p *types.Package) string { return p.Path() }
	tuple := func(t *types.Tuple) {
		b.WriteByte('(')
		for v := range t.Variables() {
			if mentionsTypeParam(v.Type(), 0) {
				loose = true
			}
			types.WriteType(&b, v.Type(), qual)
			b.WriteByte(',')
		}
		b.WriteByte(')')
	}
	tuple(sig.Params())
	tuple(sig.Results())
	if sig.Variadic() {
		b.WriteString("...")
	}
	return b.String(), loose
}

func mentionsTypeParam(t types.Type, depth int) bool {
	if depth > 10 {
		return true
	}
	switch u := types.Unalias(t).(type) {
	case *types.TypeParam:
		return true
	case *types.Named:
		for arg := range u.TypeArgs().Types() {
			if mentionsTypeParam(arg, depth+1) {
				return true
			}
		}
	case *types.Pointer:
		return mentionsTypeParam(u.Elem(), depth+1)
	case *types.Slice:
		return mentionsTypeParam(u.Elem(), depth+1)
	case *types.Array:
		return mentionsTypeParam(u.Elem(), depth+1)
	case *types.Chan:
		return mentionsTypeParam(u.Elem(), depth+1)
	case *types.Map:
		return mentionsTypeParam(u.Key(), depth+1) || mentionsTypeParam(u.Elem(), depth+1)
	case *types.Signature:
		for _, tuple := range []*types.Tuple{u.Params(), u.Results()} {
			for v := range tuple.Variables() {
				if mentionsTypeParam(v.Type(), depth+1) {
					return true
				}
			}
		}
	case *types.Struct:
		for f := range u.Fields() {
			if mentionsTypeParam(f.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// mayBeSame reports whether two types, one of which may mention type parameters, can
// be instantiated to the same type in this module.
func (g *flowGraph) mayBeSame(a, b types.Type, depth int) bool {
	a, b = types.Unalias(a), types.Unalias(b)
	if a == b || depth > 10 {
		return true
	}
	if p, ok := b.(*types.TypeParam); ok {
		if _, ok := a.(*types.TypeParam); !ok {
			a, b = p, a
		}
	}
	if p, ok := a.(*types.TypeParam); ok {
		if q, ok := b.(*types.TypeParam); ok && p.Obj().Pos() == q.Obj().Pos() {
			return true
		}
		for _, arg := range g.bindings[p.Obj().Pos()] {
			if g.mayBeSame(arg, b, depth+1) {
				return true
			}
		}
		return false
	}
	switch x := a.(type) {
	case *types.Basic:
		y, ok := b.(*types.Basic)
		return ok && x.Kind() == y.Kind()
	case *types.Named:
		y, ok := b.(*types.Named)
		if !ok || x.Obj().Name() != y.Obj().Name() || x.TypeArgs().Len() != y.TypeArgs().Len() || pathOf(x.Obj()) != pathOf(y.Obj()) {
			return false
		}
		for i := range x.TypeArgs().Len() {
			if !g.mayBeSame(x.TypeArgs().At(i), y.TypeArgs().At(i), depth+1) {
				return false
			}
		}
		return true
	case *types.Pointer:
		y, ok := b.(*types.Pointer)
		return ok && g.mayBeSame(x.Elem(), y.Elem(), depth+1)
	case *types.Slice:
		y, ok := b.(*types.Slice)
		return ok && g.mayBeSame(x.Elem(), y.Elem(), depth+1)
	case *types.Array:
		y, ok := b.(*types.Array)
		return ok && g.mayBeSame(x.Elem(), y.Elem(), depth+1)
	case *types.Chan:
		y, ok := b.(*types.Chan)
		return ok && g.mayBeSame(x.Elem(), y.Elem(), depth+1)
	case *types.Map:
		y, ok := b.(*types.Map)
		return ok && g.mayBeSame(x.Key(), y.Key(), depth+1) && g.mayBeSame(x.Elem(), y.Elem(), depth+1)
	case *types.Signature:
		y, ok := b.(*types.Signature)
		return ok && g.mayBeSameSignature(x, y, depth+1)
	case *types.Interface:
		_, ok := b.(*types.Interface)
		return ok
	case *types.Struct:
		y, ok := b.(*types.Struct)
		return ok && x.NumFields() == y.NumFields()
	}
	return true
}

func pathOf(o types.Object) string {
	if o.Pkg() == nil {
		return ""
	}
	return o.Pkg().Path()
}

func (g *flowGraph) mayBeSameSignature(a, b *types.Signature, depth int) bool {
	if !sameArity(a, b) {
		return false
	}
	for i := range a.Params().Len() {
		if !g.mayBeSame(a.Params().At(i).Type(), b.Params().At(i).Type(), depth) {
			return false
		}
	}
	for i := range a.Results().Len() {
		if !g.mayBeSame(a.Results().At(i).Type(), b.Results().At(i).Type(), depth) {
			return false
		}
	}
	return true
}

// pair records that values of types from and to are converted to one another, so
// that fields of identical structs declared twice must keep one type.
func (g *flowGraph) pair(from, to types.Type, pos token.Pos) {
	if from == to || from == nil || to == nil {
		return
	}
	g.pairN(from, to, from, to, pos, 0)
}

func (g *flowGraph) pairN(a, b, from, to types.Type, pos token.Pos, depth int) {
	a, b = types.Unalias(a), types.Unalias(b)
	if a == b || depth > 6 {
		return
	}
	if x, ok := a.(*types.Named); ok {
		y, ok := b.(*types.Named)
		if ok && (x.Obj() == y.Obj() || depth > 0) {
			return // distinct named types below the top are never converted
		}
	}
	switch x := a.Underlying().(type) {
	case *types.Struct:
		y, ok := b.Underlying().(*types.Struct)
		if !ok || x.NumFields() != y.NumFields() {
			return
		}
		for i := range x.NumFields() {
			f, h := x.Field(i), y.Field(i)
			if f.Pos() == h.Pos() || f.Name() != h.Name() || !f.Pos().IsValid() || !h.Pos().IsValid() {
				continue
			}
			g.pairs[f.Pos()] = append(g.pairs[f.Pos()], fieldPair{h.Pos(), pos, from, to})
			g.pairs[h.Pos()] = append(g.pairs[h.Pos()], fieldPair{f.Pos(), pos, from, to})
			if g.carrier(f.Type()) {
				g.edge(g.varNode(f), g.varNode(h), pos, 0)
				g.edge(g.varNode(h), g.varNode(f), pos, 0)
			}
			g.pairN(f.Type(), h.Type(), from, to, pos, depth+1)
		}
	case *types.Pointer:
		if y, ok := b.Underlying().(*types.Pointer); ok {
			// (*T1)(p) converts the pointees' underlying types.
			d := depth + 1
			if depth == 0 {
				d = 0
				if _, ok := types.Unalias(x.Elem()).Underlying().(*types.Pointer); ok {
					d = 1
				}
			}
			g.pairN(x.Elem(), y.Elem(), from, to, pos, d)
		}
	case *types.Slice:
		if y, ok := b.Underlying().(*types.Slice); ok {
			g.pairN(x.Elem(), y.Elem(), from, to, pos, depth+1)
		}
	case *types.Array:
		if y, ok := b.Underlying().(*types.Array); ok {
			g.pairN(x.Elem(), y.Elem(), from, to, pos, depth+1)
		}
	case *types.Chan:
		if y, ok := b.Underlying().(*types.Chan); ok {
			g.pairN(x.Elem(), y.Elem(), from, to, pos, depth+1)
		}
	case *types.Map:
		if y, ok := b.Underlying().(*types.Map); ok {
			g.pairN(x.Key(), y.Key(), from, to, pos, depth+1)
			g.pairN(x.Elem(), y.Elem(), from, to, pos, depth+1)
		}
	}
}
