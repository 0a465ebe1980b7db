// This file records what a function does to maps, whom it calls, and what it hands over.

package detect

import (
	"go/token"
	"go/types"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ssa"
)

func itoa(i int) string { return strconv.Itoa(i) }

// fullName is how the knowledge table names a function.
func fullName(fn *ssa.Function) (full, pkg string) {
	if o := fn.Origin(); o != nil {
		fn = o
	}
	if obj, ok := fn.Object().(*types.Func); ok {
		if obj.Pkg() != nil {
			pkg = obj.Pkg().Path()
		}
		return obj.FullName(), pkg
	}
	return fn.String(), ""
}

// emit walks the function a last time, with its flow states known.
func (f *function) emit() {
	loads := map[ssa.Instruction]flowState{}
	deferred := map[*ssa.Defer]*flowState{}
	f.flow.each(func(ins ssa.Instruction, s flowState) {
		switch ins := ins.(type) {
		case *ssa.UnOp, *ssa.Call:
			loads[ins] = s
		case *ssa.Store:
			if isMap(ins.Val.Type()) {
				loads[ins] = s
			}
		case *ssa.RunDefers:
			t := s
			for i := len(f.flow.defers) - 1; i >= 0; i-- {
				d := f.flow.defers[i]
				if d.Block().Dominates(ins.Block()) {
					if deferred[d] == nil {
						deferred[d] = new(flowState)
					}
					deferred[d].meet(t)
					f.flow.call(&t, &d.Call)
				} else {
					f.flow.maybe(&t, &d.Call)
				}
			}
		}
	})
	e := &emitter{function: f, loads: loads, stored: map[string][]ssa.Value{}}
	for _, b := range f.fn.Blocks {
		for _, ins := range b.Instrs {
			if st, ok := ins.(*ssa.Store); ok && isMap(st.Val.Type()) {
				p := f.place(st.Addr)
				e.stored[p] = append(e.stored[p], st.Val)
			}
		}
	}
	f.flow.each(func(ins ssa.Instruction, s flowState) {
		if d, ok := ins.(*ssa.Defer); ok {
			if b, ok := d.Call.Value.(*ssa.Builtin); ok {
				if b.Name() == "close" {
					e.info.Signals = true
				}
				if t := deferred[d]; t != nil && len(d.Call.Args) > 0 && isMap(d.Call.Args[0].Type()) {
					t.pub |= s.pub
					switch b.Name() {
					case "delete":
						e.access(Delete, d.Call.Args[0], d, d.Pos(), *t)
					case "clear":
						e.access(Clear, d.Call.Args[0], d, d.Pos(), *t)
					}
				}
				return
			}
			if t := deferred[d]; t != nil {
				t.pub |= s.pub
				e.call("defer", &d.Call, d, *t)
			} else {
				e.call("defer", &d.Call, d, flowState{must: 0, may: s.may, released: ^uint64(0), pub: s.pub, pubGo: s.pubGo, wholeGo: s.wholeGo, spawned: s.spawned})
			}
			return
		}
		e.visit(ins, s)
	})
	e.steps()
	e.results()
	e.info.Aliases = e.keptAliases()
	sort.SliceStable(f.info.Accesses, func(i, j int) bool {
		a, b := f.info.Accesses[i].Pos, f.info.Accesses[j].Pos
		return a.Offset < b.Offset
	})
}

type emitter struct {
	*function
	loads map[ssa.Instruction]flowState
	rets  []*ssa.Return

	stored map[string][]ssa.Value // maps assigned to a path in this function
	frees  []ssa.Instruction      // see unlocks
}

func (e *emitter) visit(ins ssa.Instruction, s flowState) {
	switch ins := ins.(type) {
	case *ssa.MapUpdate:
		n := len(e.info.Accesses)
		defer func() {
			if len(e.info.Accesses) > n {
				e.info.Accesses[n].Lazy = e.fillsOnMiss(ins, s)
			}
		}()
		op := Write
		if e.updates(ins) {
			op = Update
		}
		pos := ins.Pos()
		e.access(op, ins.Map, ins, pos, s)
		to := e.path(ins.Map)
		if d := e.destinationOf(ins.Map); d != "" {
			to = d
		}
		e.funcFlow(ins.Value, "V:"+e.flowKey(to))
	case *ssa.Lookup:
		if isMap(ins.X.Type()) && !e.feedsUpdate(ins) {
			e.access(Read, ins.X, ins, e.posOf(ins), s)
		}
	case *ssa.Range:
		if isMap(ins.X.Type()) {
			// The lock must be held at each step, not only at the first.
			t := s
			for _, r := range *ins.Referrers() {
				if n, ok := r.(*ssa.Next); ok {
					if ns, ok := e.stateAt(n); ok {
						t.may = (t.may | ns.may) &^ (t.must &^ ns.must) // rule L7
						t.must &= ns.must
						t.released |= ns.released
						t.relocked |= ns.relocked
						t.pub |= ns.pub
						t.pubGo |= ns.pubGo
						t.wholeGo |= ns.wholeGo
					}
				}
			}
			e.access(Range, ins.X, ins, e.posOf(ins), t)
		}
	case *ssa.Store:
		e.store(ins, s)
		e.element(Write, ins.Addr, ins, s)
	case *ssa.Call:
		if b, ok := ins.Call.Value.(*ssa.Builtin); ok {
			if len(ins.Call.Args) > 0 && isMap(ins.Call.Args[0].Type()) {
				switch b.Name() {
				case "len":
					e.access(Len, ins.Call.Args[0], ins, ins.Pos(), s)
				case "delete":
					e.access(Delete, ins.Call.Args[0], ins, ins.Pos(), s)
				case "clear":
					e.access(Clear, ins.Call.Args[0], ins, ins.Pos(), s)
				}
			}
			if b.Name() == "close" {
				e.info.Signals = true
			}
			if b.Name() == "append" && len(ins.Call.Args) == 2 {
				e.funcFlow(ins.Call.Args[1], "V:"+e.flowKey(e.path(ins)))
			}
			return
		}
		e.call("call", &ins.Call, ins, s)
	case *ssa.Go:
		e.call("go", &ins.Call, ins, s)
	case *ssa.Send:
		e.info.Signals = true
		e.handOver(ins.X, ins, ins.Pos(), s)
		e.leaves(ins.X, ins, false, s)
		e.funcFlow(ins.X, "V:"+e.flowKey(e.path(ins.Chan)))
	case *ssa.Return:
		e.rets = append(e.rets, ins)
		for i, r := range ins.Results {
			e.funcFlow(r, "R:"+e.info.Key+":"+itoa(i))
			if isMap(r.Type()) {
				e.accessWith(Escape, r, ins, e.loadPos(r, ins.Pos()), s, true)
			} else {
				e.leaves(r, ins, true, s)
			}
		}
	case *ssa.MakeClosure:
		fn := ins.Fn.(*ssa.Function)
		if info := e.b.lookup(funcKey(fn)); info != nil && fn.Parent() == e.fn {
			if info.Free == nil {
				info.Free = make([]string, len(ins.Bindings))
				for i, x := range ins.Bindings {
					info.Free[i] = e.path(x)
					if literalCaptures(fn, i) {
						e.local(x)
					}
				}
			}
			if info.Signals {
				e.info.Signals = true
			}
		}
	case *ssa.Select:
		for _, st := range ins.States {
			if st.Dir == types.SendOnly {
				e.handOver(st.Send, ins, st.Pos, s)
				e.leaves(st.Send, ins, false, s)
				e.funcFlow(st.Send, "V:"+e.flowKey(e.path(st.Chan)))
			}
		}
	case *ssa.UnOp:
		if ins.Op == token.MUL {
			e.copyOut(ins, s)
		}
		if addr := fieldLoad(ins); addr != nil {
			e.element(Read, addr, ins, s)
		}
	}
}

// stateAt recomputes the state before an instruction.
func (e *emitter) stateAt(at ssa.Instruction) (flowState, bool) {
	s := e.flow.in[at.Block().Index]
	if !s.reached {
		return s, false
	}
	for _, ins := range at.Block().Instrs {
		if ins == at {
			return s, true
		}
		e.flow.step(&s, ins)
	}
	return s, true
}

// posOf gives a position to instructions that have none of their own.
func (e *emitter) posOf(v ssa.Instruction) token.Pos {
	if v.Pos().IsValid() {
		return v.Pos()
	}
	for _, op := range v.Operands(nil) {
		if *op != nil && (*op).Pos().IsValid() {
			return (*op).Pos()
		}
	}
	return e.fn.Pos()
}

func (e *emitter) loadPos(v ssa.Value, pos token.Pos) token.Pos {
	if pos.IsValid() {
		return pos
	}
	return v.Pos()
}

// literalCaptures reports whether a function literal of the source captures free
// variable i of fn: fn itself, unless it is only the body of a range over a function,
// or a literal inside such a body.
//
//	for k := range m.All() { seen[k] = true }   // captures seen in SSA, not in the source
func literalCaptures(fn *ssa.Function, i int) bool {
	if fn.Synthetic != "range-over-func yield" {
		return true
	}
	for _, ref := range *fn.FreeVars[i].Referrers() {
		if mc, ok := ref.(*ssa.MakeClosure); ok {
			for j, b := range mc.Bindings {
				if b == ssa.Value(fn.FreeVars[i]) && literalCaptures(mc.Fn.(*ssa.Function), j) {
					return true
				}
			}
		}
	}
	return false
}

// local declares a captured map variable.
func (e *emitter) local(x ssa.Value) {
	al, ok := x.(*ssa.Alloc)
	if !ok || !isMap(deref(al.Type())) || al.Comment == "" || !token.IsIdentifier(al.Comment) {
		return
	}
	r := e.path(al)
	param := rootIndex(r, 'p') >= 0
	if r != e.object(al) && !param {
		return // an alias of another map variable
	}
	for _, l := range e.info.Locals {
		if l.Root == r {
			return
		}
	}
	top := e.fn
	for top.Parent() != nil {
		top = top.Parent()
	}
	name := top.Name()
	if recv := top.Signature.Recv(); recv != nil {
		if n, ok := types.Unalias(deref(recv.Type())).(*types.Named); ok {
			name = n.Obj().Name() + "." + name
		}
	}
	key := e.b.pkg.Path() + "." + name + "." + al.Comment
	e.b.locals[key]++
	if n := e.b.locals[key]; n > 1 {
		key += "#" + itoa(n)
	}
	e.info.Locals = append(e.info.Locals, LocalInfo{r, key})
	file := e.b.fset.PositionFor(al.Pos(), false).Filename
	e.b.sum.Maps = append(e.b.sum.Maps, MapDecl{
		Key: key, Name: e.b.display(key), Kind: Local, Type: e.b.typeString(deref(al.Type())),
		Pos: e.b.pos(al.Pos()), Nested: nested(deref(al.Type())), Test: e.b.tests[file],
		Generated: e.b.generated[file], Param: param,
	})
}

// updates reports whether the value of an update is computed, in the same statement, from the same
// element (m[k] op= x).
func (e *emitter) updates(u *ssa.MapUpdate) bool {
	return e.computedFrom(u.Value, 4, func(l *ssa.Lookup) bool { return e.oneStatement(l, u) })
}

// oneStatement reports whether a lookup and an update of one element stand on one line, and no call
// comes in between that could take or let go of a lock: functions can be one line, too.
//
//	func (s *S) next(k int) { n := s.m[k]; s.mu.Lock(); s.m[k] = n + 1; s.mu.Unlock() }
func (e *emitter) oneStatement(l *ssa.Lookup, u *ssa.MapUpdate) bool {
	if l.X != u.Map && e.path(l.X) != e.path(u.Map) || !sameKey(l.Index, u.Key) || e.line(l.Pos()) != e.line(u.Pos()) {
		return false
	}
	between := false
	for _, ins := range l.Block().Instrs {
		switch ins := ins.(type) {
		case *ssa.Lookup:
			between = between || ins == l
		case *ssa.MapUpdate:
			if ins == u {
				return true
			}
		case *ssa.Call:
			if f := ins.Call.StaticCallee(); between && f != nil && slices.Contains([]string{"Lock", "RLock", "Unlock", "RUnlock"}, f.Name()) {
				return false
			}
		}
	}
	return true // in another block, of a condition
}

// computedFrom reports whether a value is computed, in a few steps, from a lookup.
func (e *emitter) computedFrom(v ssa.Value, depth int, is func(*ssa.Lookup) bool) bool {
	if depth == 0 {
		return false
	}
	switch v := v.(type) {
	case *ssa.Lookup:
		return is(v)
	case *ssa.BinOp:
		return e.computedFrom(v.X, depth-1, is) || e.computedFrom(v.Y, depth-1, is)
	case *ssa.UnOp:
		return v.Op != token.MUL && e.computedFrom(v.X, depth-1, is)
	case *ssa.Convert:
		return e.computedFrom(v.X, depth-1, is)
	case *ssa.ChangeType:
		return e.computedFrom(v.X, depth-1, is)
	case *ssa.Slice:
		return e.computedFrom(v.X, depth-1, is)
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok && b.Name() == "append" {
			return e.computedFrom(v.Call.Args[0], depth-1, is)
		}
	}
	return false
}

func (e *emitter) line(p token.Pos) int { return e.b.fset.PositionFor(p, false).Line }

func sameKey(a, b ssa.Value) bool {
	if a == b {
		return true
	}
	x, ok1 := a.(*ssa.Const)
	y, ok2 := b.(*ssa.Const)
	if ok1 && ok2 && x.Value != nil && y.Value != nil {
		return x.Value.ExactString() == y.Value.ExactString()
	}
	u, ok1 := a.(*ssa.UnOp)
	w, ok2 := b.(*ssa.UnOp)
	return ok1 && ok2 && u.Op == w.Op && u.X == w.X
}

// feedsUpdate reports whether a lookup is the reading half of an update in the same
// statement, which is recorded once, as an update. Another lookup of the element is not:
//
//	m[k]++
//	return m[k]
func (e *emitter) feedsUpdate(l *ssa.Lookup) bool {
	if l.CommaOk {
		return false
	}
	for _, ins := range l.Block().Instrs {
		if u, ok := ins.(*ssa.MapUpdate); ok && e.oneStatement(l, u) && e.computedFrom(u.Value, 4, func(x *ssa.Lookup) bool { return x == l }) {
			return true
		}
	}
	return false
}

// destination returns the path of the variable that a fresh map is stored in, if any, and
// the instruction that stores it.
func (e *emitter) destination(v ssa.Value) (string, ssa.Instruction) {
	if v.Referrers() == nil {
		return "", nil
	}
	for _, r := range *v.Referrers() {
		switch r := r.(type) {
		case *ssa.Store:
			if r.Val == v {
				return e.path(r.Addr), r
			}
		case *ssa.MapUpdate:
			if r.Value == v {
				return join(e.path(r.Map), "[]"), r
			}
		case *ssa.ChangeType:
			if d, at := e.destination(r); d != "" {
				return d, at
			}
		}
	}
	return "", nil
}

func (e *emitter) access(op Op, m ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	e.accessWith(op, m, at, pos, s, false)
}

func (e *emitter) accessWith(op Op, m ssa.Value, at ssa.Instruction, pos token.Pos, s flowState, ret bool) {
	path := e.path(m)
	if path == "nil" || path[0] == 'u' && rest(path) == "" {
		return
	}
	r := root(path)
	var kept ssa.Instruction // where a map made here gets its name
	if rest(path) == "" && e.flow.fresh(r) {
		if _, ok := m.(*ssa.Phi); !ok {
			if d, st := e.destination(m); d != "" {
				path, kept = d, st
			} else if _, isLoad := m.(*ssa.UnOp); !isLoad {
				return // a map that only this function's registers know
			}
		}
	}
	if ret && (e.flow.fresh(r) || rest(path) == "" && r[0] != 'g') {
		return
	}
	a := e.newAccess(op, path, r, pos, s)
	a.Loop = e.loops[at.Block().Index]
	a.Return = ret
	if kept != nil && precedes(at, kept) {
		// A literal is filled before it is assigned, whoever knows the variable.
		a.Published, a.PubGo = e.flow.published(s, r)
		a.Fresh = true
	}
	a.Filling = op.Mutates() && op != Delete && !a.Fresh && len(e.stored[path]) > 0 && e.filling(path, at, s)
	if e.detached(m, at) {
		a.Taken = true
	}
	if st, pos, ok := e.aliasLoad(m); ok {
		if st != a.State {
			a.Load, a.LoadP = st, pos
		}
	} else if load := e.loadOf(m); load != nil {
		if ls, ok := e.loads[load]; ok {
			switch l := load.(type) {
			case *ssa.UnOp:
				if st := e.intern(e.flow.lockState(ls)); st != a.State {
					a.Load, a.LoadP = st, e.b.pos(e.valuePos(l))
				}
				if e.taken(l, at, path) {
					a.Taken = true
				}
				if al, ok := l.X.(*ssa.FieldAddr); ok {
					if x, ok := al.X.(*ssa.Alloc); ok && e.copied(x) != nil {
						a.Copy = isStructVar(x)
						if src, ok := e.copied(x).(*ssa.UnOp); ok && a.Copy {
							if cs, ok := e.loads[src]; ok {
								if st := e.intern(e.flow.lockState(cs)); st != a.State {
									a.Load, a.LoadP = st, e.b.pos(e.valuePos(src))
								}
							}
						}
					}
				}
			case *ssa.Call:
				if r, ok := e.loadedIn[l]; ok {
					if st, ok := e.translateState(l, r); ok && st != a.State {
						a.Load, a.LoadP = st, e.b.pos(l.Pos())
					}
				}
			}
		}
	}
	e.info.Accesses = append(e.info.Accesses, a)
}

func isStructVar(al *ssa.Alloc) bool {
	_, ok := deref(al.Type()).Underlying().(*types.Struct)
	return ok
}

func (e *emitter) valuePos(v *ssa.UnOp) token.Pos {
	if v.Pos().IsValid() {
		return v.Pos()
	}
	return v.X.Pos()
}

func (e *emitter) newAccess(op Op, path, r string, pos token.Pos, s flowState) AccessInfo {
	a := AccessInfo{Op: op, Pos: e.b.pos(pos), Path: path, State: e.intern(e.flow.lockState(s)), Load: -1, Seq: !s.spawned, After: e.flow.awaited(s)}
	a.Fresh = e.flow.fresh(r)
	a.Published, a.PubGo = e.flow.publishedAs(s, r, path)
	a.Handed = e.flow.handed(s, r)
	if vals := e.stored[trimElems(path)]; !a.Fresh && e.foreign[r] && len(vals) > 0 {
		a.Fresh = true // unless one of them is not; see below
	}
	if a.Fresh && op != Replace && strings.Contains(path, "|") {
		// The object is new, but the map in it may be somebody's.
		for _, v := range e.stored[trimElems(path)] {
			if p := e.path(v); p != "nil" && !e.flow.fresh(root(p)) {
				a.Fresh = false
			}
		}
	}
	if d := root(path); d != r {
		// Stored in a variable: shared when either is.
		p, g := e.flow.published(s, d)
		if !e.flow.fresh(d) && a.Published {
			a.Fresh, a.Published, a.PubGo = false, p, g
		} else {
			a.Published, a.PubGo = a.Published || p, a.PubGo || g
		}
	}
	return a
}

// loadOf returns the instruction that read the map value from its variable.
func (e *emitter) loadOf(m ssa.Value) ssa.Instruction {
	switch m := m.(type) {
	case *ssa.UnOp:
		if m.Op == token.MUL {
			if al, ok := m.X.(*ssa.Alloc); ok {
				// A variable that is only another name for what was read before.
				if src := e.copied(al); src != nil {
					if l := e.loadOf(src); l != nil {
						return l
					}
				}
			}
			return m
		}
	case *ssa.ChangeType:
		return e.loadOf(m.X)
	case *ssa.TypeAssert:
		return e.loadOf(m.X)
	case *ssa.MakeInterface:
		return e.loadOf(m.X)
	case *ssa.Extract:
		return e.loadOf(m.Tuple)
	case *ssa.Call:
		return m
	case *ssa.Phi:
		for _, x := range m.Edges {
			if _, ok := x.(*ssa.Phi); ok {
				continue
			}
			if l := e.loadOf(x); l != nil {
				return l
			}
		}
	}
	return nil
}

// translateState is the lock state in which a callee read the map that it returned.
func (e *emitter) translateState(c *ssa.Call, r ResultInfo) (int32, bool) {
	info, args := e.callee(&c.Call)
	if info == nil || r.Load < 0 || int(r.Load) >= len(info.States) {
		return 0, false
	}
	in := info.States[r.Load]
	ls := e.flow.lockState(e.loads[c]) // the caller's locks count (rule L3)
	for _, l := range in.Released {
		if p, ok := substitute(l, args, nil); ok {
			ls.Must = slices.DeleteFunc(slices.Clone(ls.Must), func(have LockRef) bool { return have.Path == p })
		}
	}
	for _, l := range in.Must {
		if p, ok := substitute(l.Path, args, nil); ok && !slices.Contains(ls.Must, LockRef{p, l.Read}) {
			ls.Must = append(slices.Clone(ls.Must), LockRef{p, l.Read})
		}
	}
	return e.intern(ls), true
}

// taken reports rule O5: the alias was taken over, because the variable was given another
// map in the critical section that read it.
func (e *emitter) taken(l *ssa.UnOp, at ssa.Instruction, path string) bool {
	ls, ok := e.loads[l]
	if !ok || ls.must == 0 {
		return false
	}
	for _, b := range e.fn.Blocks {
		for _, ins := range b.Instrs {
			st, ok := ins.(*ssa.Store)
			if !ok || !isMap(st.Val.Type()) || e.place(st.Addr) != path || st.Val == l {
				continue
			}
			ss, ok := e.loads[st]
			if !ok || ss.must&ls.must == 0 {
				continue
			}
			if precedes(l, st) && precedes(st, at) {
				return true
			}
		}
	}
	return false
}

// fillsOnMiss reports whether a package variable is used as a cache: looked up, and on a
// miss filled, with no lock.
//
//	func Component(name string) *logger {
//		if c, ok := cache[name]; ok {
//			return c
//		}
//		c := newLogger(name)
//		cache[name] = c
//		return c
//	}
func (e *emitter) fillsOnMiss(u *ssa.MapUpdate, s flowState) bool {
	path := e.path(u.Map)
	if !strings.HasPrefix(path, "g:") || s.must|s.may != 0 || e.fn.Signature.Results().Len() == 0 {
		return false
	}
	for _, b := range e.fn.Blocks {
		for _, ins := range b.Instrs {
			if l, ok := ins.(*ssa.Lookup); ok && isMap(l.X.Type()) && e.path(l.X) == path && sameKey(l.Index, u.Key) && precedes(l, u) && decides(l, u) != nil {
				return true
			}
		}
	}
	return false
}

// detached reports rule O5 for elements: what was looked up has been removed from its map,
// so that nobody else finds it there.
//
//	row := b.mail[who]
//	delete(b.mail, who)
func (e *emitter) detached(v ssa.Value, at ssa.Instruction) bool {
	if x, ok := v.(*ssa.Extract); ok {
		v = x.Tuple
	}
	look, ok := v.(*ssa.Lookup)
	if !ok {
		if ld, isLoad := v.(*ssa.UnOp); isLoad {
			if al, ok := ld.X.(*ssa.Alloc); ok {
				vals, elsewhere := storedIn(al)
				return !elsewhere && len(vals) == 1 && vals[0] != v && e.detached(vals[0], at)
			}
		}
		return false
	}
	path := e.path(look.X)
	for _, b := range e.fn.Blocks {
		for _, ins := range b.Instrs {
			c, ok := ins.(*ssa.Call)
			if !ok {
				continue
			}
			if bi, ok := c.Call.Value.(*ssa.Builtin); !ok || bi.Name() != "delete" || e.path(c.Call.Args[0]) != path || !sameKey(c.Call.Args[1], look.Index) {
				continue
			}
			if precedes(look, ins) && precedes(ins, at) {
				return true
			}
		}
	}
	return false
}

// filling reports whether the variable at path was given a new map in the critical section
// that the instruction belongs to: nobody else has got hold of that map yet (rule O5).
//
//	s.mu.Lock()
//	s.routes = make(map[string]route)
//	s.routes[k] = r
//	s.mu.Unlock()
func (e *emitter) filling(path string, at ssa.Instruction, s flowState) bool {
	if s.must == 0 {
		return false
	}
	for _, b := range e.fn.Blocks {
		for _, ins := range b.Instrs {
			st, ok := ins.(*ssa.Store)
			if !ok || !isMap(st.Val.Type()) || e.place(st.Addr) != path || !e.flow.fresh(root(e.path(st.Val))) {
				continue
			}
			if ss, ok := e.loads[st]; !ok || ss.must&s.must == 0 || !precedes(st, at) {
				continue
			}
			for i, l := range e.flow.lockAt {
				if s.must&(1<<(2*i)) != 0 && !e.freed(l, st, at, e.unlocks()) {
					return true
				}
			}
		}
	}
	return false
}

// unlocks lists the calls that give a lock back, deferred ones excepted.
func (e *emitter) unlocks() []ssa.Instruction {
	if e.frees == nil {
		e.frees = []ssa.Instruction{}
		for _, b := range e.fn.Blocks {
			for _, ins := range b.Instrs {
				if c, ok := ins.(*ssa.Call); ok {
					if op, _ := e.lockCall(&c.Call); op == opUnlock || op == opRUnlock {
						e.frees = append(e.frees, ins)
					}
				}
			}
		}
	}
	return e.frees
}

// precedes reports whether a is on every way to b.
func precedes(a, b ssa.Instruction) bool {
	if a.Block() != b.Block() {
		return a.Block().Dominates(b.Block())
	}
	for _, ins := range a.Block().Instrs {
		if ins == a {
			return true
		}
		if ins == b {
			return false
		}
	}
	return false
}

func (e *emitter) store(st *ssa.Store, s flowState) {
	t := st.Val.Type()
	switch {
	case isMap(t):
		path := e.place(st.Addr)
		if al, ok := st.Addr.(*ssa.Alloc); ok && e.copied(al) != nil {
			return
		}
		if k, _ := mapKey(path, e.info.Key); k != "" {
			a := e.newAccess(Replace, path, root(path), st.Pos(), s)
			a.Loop = e.loops[st.Block().Index]
			if !a.Pos.valid() {
				a.Pos = e.b.pos(st.Addr.Pos())
			}
			e.info.Accesses = append(e.info.Accesses, a)
		}
	case isFunc(t):
		e.funcFlow(st.Val, "V:"+e.flowKey(e.path(st.Addr)))
		e.hook(st, s)
	default:
		if _, ok := t.Underlying().(*types.Struct); ok {
			e.storeStruct(st, s)
		}
		if types.IsInterface(t) {
			e.funcFlow(st.Val, "V:"+e.flowKey(e.path(st.Addr)))
		}
	}
}

// hook records a function stored in a field of a library's struct: the library calls it.
//
//	srv := &http.Server{ConnState: t.onState}
func (e *emitter) hook(st *ssa.Store, s flowState) {
	fa, ok := st.Addr.(*ssa.FieldAddr)
	if !ok {
		return
	}
	n, ok := types.Unalias(deref(fa.X.Type())).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg() == e.b.pkg || e.b.own(n.Obj().Pkg().Path()) || !e.carriesFunc(st.Val) {
		return
	}
	u, ok := n.Underlying().(*types.Struct)
	if !ok {
		return
	}
	ci := CallInfo{
		Kind: "call", ID: -1, From: -1, Pos: e.b.pos(e.posOf(st)), State: e.intern(e.flow.lockState(s)), Loop: e.loops[st.Block().Index],
		Seq: !s.spawned, Ext: typeKey(n) + "." + u.Field(fa.Field).Name(), Args: []ArgInfo{e.arg(st.Val, st, s)},
	}
	ci.Args[0].Fn = strings.TrimPrefix(e.node(st.Val, 6), "F:")
	if mc := closureOf(st.Val); mc != nil {
		for _, x := range mc.Bindings {
			ci.Bound = append(ci.Bound, e.arg(x, st, s))
		}
	}
	e.info.Calls = append(e.info.Calls, ci)
}

func (p Pos) valid() bool { return p.Line > 0 }

// storeStruct: assigning a whole struct assigns its map fields.
func (e *emitter) storeStruct(st *ssa.Store, s flowState) {
	if al, ok := st.Addr.(*ssa.Alloc); ok && e.flow.local(e.object(al)) && e.aliases != nil && isStructVar(al) {
		if _, ok := st.Val.(*ssa.UnOp); ok {
			return // a copy in a variable: see addStruct
		}
	}
	if _, ok := st.Val.(*ssa.Parameter); ok {
		return // a parameter moves into its variable
	}
	if al, ok := st.Addr.(*ssa.Alloc); ok && !al.Heap {
		return
	}
	t := st.Val.Type()
	u := t.Underlying().(*types.Struct)
	base := e.place(st.Addr)
	if e.flow.fresh(root(base)) && rest(base) == "" {
		return
	}
	for i := range u.NumFields() {
		if isMap(u.Field(i).Type()) {
			path := join(base, e.b.names.of(t, i))
			a := e.newAccess(Replace, path, root(path), st.Pos(), s)
			a.Loop = e.loops[st.Block().Index]
			a.Copy = true
			e.info.Accesses = append(e.info.Accesses, a)
		}
	}
}

// copyOut records the maps that leave in a struct copied by value: returned, sent or
// boxed, the copy shares its maps with the original.
func (e *emitter) copyOut(l *ssa.UnOp, s flowState) {
	t := l.Type()
	st, ok := t.Underlying().(*types.Struct)
	if !ok || l.Referrers() == nil {
		return
	}
	path := e.path(l.X)
	if e.flow.fresh(root(path)) {
		return
	}
	var leaves *token.Pos
	ret := false
	for _, r := range *l.Referrers() {
		switch r := r.(type) {
		case *ssa.Return:
			p := e.valuePos(l)
			leaves, ret = &p, true
		case *ssa.Send, *ssa.Select:
			p := r.Pos()
			leaves = &p
		}
	}
	if leaves == nil {
		return
	}
	for i := range st.NumFields() {
		if isMap(st.Field(i).Type()) {
			sel := e.b.names.of(t, i)
			if e.aliases[path+"|"+sel] != nil && e.at(path, sel) == nil {
				continue // the copy was given a map of its own
			}
			p := e.sel(path, sel)
			a := e.newAccess(Escape, p, root(p), *leaves, s)
			a.Return, a.Sent, a.Copy = ret, !ret, true
			e.info.Accesses = append(e.info.Accesses, a)
		}
	}
}

// handOver records a map that leaves by channel.
func (e *emitter) handOver(v ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	if isMap(v.Type()) {
		n := len(e.info.Accesses)
		e.accessWith(Escape, v, at, pos, s, false)
		for i := n; i < len(e.info.Accesses); i++ {
			e.info.Accesses[i].Sent = true
		}
	}
}

// flowKey names the place where function values at a path are kept: the last selector that
// says something, else the root in this function.
func (e *function) flowKey(path string) string {
	for s := lastSelector(path); s == "[]" || s == "<-"; s = lastSelector(path) {
		path = parent(path)
	}
	if sel := lastSelector(path); sel != "" {
		return sel
	}
	r := root(path)
	if strings.HasPrefix(r, "g:") {
		return r[2:]
	}
	return e.info.Key + ":" + r
}

// node returns the flow node of a function value; "" when it is not followed.
func (e *emitter) node(v ssa.Value, depth int) string {
	if depth == 0 {
		return ""
	}
	switch v := v.(type) {
	case *ssa.Function:
		return e.funcNode(v, nil)
	case *ssa.MakeClosure:
		return e.funcNode(v.Fn.(*ssa.Function), v)
	case *ssa.ChangeType:
		return e.node(v.X, depth-1)
	case *ssa.MakeInterface:
		return e.node(v.X, depth-1)
	case *ssa.ChangeInterface:
		return e.node(v.X, depth-1)
	case *ssa.TypeAssert:
		return e.node(v.X, depth-1)
	case *ssa.Const:
		return ""
	case *ssa.Parameter:
		return "P:" + e.info.Key + ":" + e.path(v)[1:]
	case *ssa.Phi:
		n := "N:" + e.info.Key + ":" + v.Name()
		if !e.seenPhi(v) {
			for _, x := range v.Edges {
				if x != v {
					e.flowTo(e.node(x, depth-1), n)
				}
			}
		}
		return n
	case *ssa.Call:
		if info, _ := e.callee(&v.Call); info != nil {
			return "R:" + info.Key + ":0"
		}
		return ""
	case *ssa.Extract:
		if c, ok := v.Tuple.(*ssa.Call); ok {
			if info, _ := e.callee(&c.Call); info != nil {
				return "R:" + info.Key + ":" + itoa(v.Index)
			}
		}
	}
	p := trimElems(e.path(v)) // of a slice of functions, each is one of all
	r := root(p)
	if rest(p) == "" {
		switch r[0] {
		case 'p':
			return "P:" + e.info.Key + ":" + r[1:]
		case 'f':
			return "B:" + e.info.Key + ":" + r[1:] // resolved by Free when linking
		case 'F':
			return p
		}
	}
	return "V:" + e.flowKey(p)
}

func (e *emitter) seenPhi(v *ssa.Phi) bool {
	k := Flow{"N:" + e.info.Key + ":" + v.Name(), ""}
	if e.b.flows[k] {
		return true
	}
	e.b.flows[k] = true
	return false
}

// funcNode is the node of a known function. A method value's receiver is bound at its
// creation; the flow says so by the method's own key.
func (e *emitter) funcNode(fn *ssa.Function, mc *ssa.MakeClosure) string {
	if strings.HasSuffix(fn.Name(), "$bound") || strings.HasSuffix(fn.Name(), "$thunk") {
		fn = e.method(fn)
		if mc != nil && len(mc.Bindings) == 1 {
			e.flowTo("M:"+funcKey(fn), e.info.Key+":"+e.path(mc.Bindings[0]))
		}
	}
	if fn.Object() == nil && fn.Parent() == nil {
		return ""
	}
	return "F:" + funcKey(fn)
}

func (e *emitter) flowTo(from, to string) {
	if from != "" && to != "" && from != to {
		e.b.flows[Flow{from, to}] = true
	}
}

// funcFlow records that a function value arrives at a node.
func (e *emitter) funcFlow(v ssa.Value, to string) {
	if !e.carriesFunc(v) {
		return
	}
	e.flowTo(e.node(v, 6), to)
}

// carriesFunc reports whether a value is a function, also in an interface.
func (e *emitter) carriesFunc(v ssa.Value) bool {
	if isFunc(v.Type()) {
		return true
	}
	if mi, ok := v.(*ssa.MakeInterface); ok {
		return isFunc(mi.X.Type())
	}
	if s, ok := v.Type().Underlying().(*types.Slice); ok {
		return isFunc(s.Elem())
	}
	return false
}

// call records a call for linking, and what library functions do to maps.
func (e *emitter) call(kind string, c *ssa.CallCommon, at ssa.CallInstruction, s flowState) {
	pos := c.Pos()
	if !pos.IsValid() {
		pos = e.posOf(at) // for x := range seq: nothing is written where seq is called
	}
	if op, _ := e.lockCall(c); op != notLock {
		return
	}
	ci := CallInfo{Kind: kind, ID: -1, From: -1, After: e.flow.awaited(s), Loop: e.loops[at.Block().Index], Seq: !s.spawned}
	var args []ssa.Value
	fn, sargs := e.static(c)
	switch {
	case fn != nil:
		args = sargs
		full, pkg := fullName(fn)
		if strings.HasSuffix(full, ".Done") && pkg == "sync" {
			e.info.Signals = true
		}
		e.registered(full, fn.Name(), args)
		switch {
		case fn.Parent() != nil || e.b.own(pkg) || pkg == e.b.pkg.Path():
			ci.Callee = funcKey(fn)
			if info := e.b.lookup(ci.Callee); info != nil {
				if info.Signals && kind != "go" {
					e.info.Signals = true
				}
				for i, reg := range info.Registers {
					if reg && i < len(args) {
						e.register(args[i], args[i].Type())
					}
				}
			}
			if fn.Blocks == nil && pkg == e.b.pkg.Path() && fn.Synthetic != "" && e.b.lookup(ci.Callee) == nil {
				return
			}
		default:
			e.external(full, pkg, fn.Name(), args, at, pos, s)
			if kind != "go" && !slices.ContainsFunc(args, e.carriesFunc) {
				return
			}
			ci.Ext = full
			if full == "(*sync.WaitGroup).Go" || full == "(*golang.org/x/sync/errgroup.Group).Go" {
				ci.Group = e.flowKey(e.path(args[0]))
			}
		}
	case c.IsInvoke():
		args = append([]ssa.Value{c.Value}, c.Args...)
		e.registered("", c.Method.Name(), c.Args)
		if pkg := c.Method.Pkg(); pkg == nil || !e.b.own(pkg.Path()) && pkg.Path() != e.b.pkg.Path() && !interesting(c) {
			if kind != "go" && !slices.ContainsFunc(c.Args, e.carriesFunc) {
				return
			}
		}
		ci.Method = methodSig(c.Method)
		ci.Lib = c.Method.Pkg() == nil || !e.b.own(c.Method.Pkg().Path()) && c.Method.Pkg() != e.b.pkg
		if it, ok := c.Value.Type().Underlying().(*types.Interface); ok {
			for i := range it.NumMethods() {
				ci.Iface = append(ci.Iface, methodSig(it.Method(i)))
			}
		}
		for _, a := range c.Args {
			if isMap(a.Type()) {
				e.accessWith(Escape, a, at, pos, s, false)
			}
		}
	default:
		if _, ok := c.Value.(*ssa.Builtin); ok {
			return
		}
		args = c.Args
		ci.Dyn = e.node(c.Value, 6)
		ci.From = e.madeBy(c.Value)
		for _, a := range c.Args {
			if isMap(a.Type()) {
				e.accessWith(Escape, a, at, pos, s, false)
			}
		}
	}
	if call, ok := at.(*ssa.Call); ok {
		ci.ID = int32(e.callID(call))
	}
	ci.Pos = e.b.pos(pos)
	ci.State = e.intern(e.flow.lockState(s))
	for i, a := range args {
		ai := e.arg(a, at, s)
		if e.carriesFunc(a) {
			n := e.node(a, 6)
			if strings.HasPrefix(n, "F:") {
				ai.Fn = n[2:]
			} else {
				ai.Fn, ai.From = n, e.madeBy(a)
			}
			if ci.Callee != "" {
				e.flowTo(n, "P:"+ci.Callee+":"+itoa(i))
			}
		}
		ci.Args = append(ci.Args, ai)
	}
	if mc, ok := c.Value.(*ssa.MakeClosure); ok && ci.Callee != "" && !strings.HasSuffix(mc.Fn.Name(), "$bound") {
		for _, x := range mc.Bindings {
			ci.Bound = append(ci.Bound, e.arg(x, at, s))
		}
	} else {
		for _, a := range args {
			if mc := closureOf(a); mc != nil {
				for _, x := range mc.Bindings {
					ci.Bound = append(ci.Bound, e.arg(x, at, s))
				}
			}
		}
	}
	ci.Phase = s.phase
	given := e.flow.bits(c.Value)
	for _, a := range args {
		given |= e.flow.bits(a)
	}
	// Of plain values nothing can be said: a goroutine that got a string may still run.
	ci.Clean = given != 0 && s.pubGo&given == 0
	if y := yieldOf(c); y != nil {
		ci.Yield = funcKey(y.Fn.(*ssa.Function))
	}
	e.info.Calls = append(e.info.Calls, ci)
}

// madeBy returns the number of the call whose result a function value is, -1 if it is none.
func (e *emitter) madeBy(v ssa.Value) int32 {
	switch v := v.(type) {
	case *ssa.Call:
		return int32(e.callID(v))
	case *ssa.ChangeType:
		return e.madeBy(v.X)
	case *ssa.MakeInterface:
		return e.madeBy(v.X)
	}
	return -1
}

// interesting reports whether a call of a library interface can lead back into the module.
func interesting(c *ssa.CallCommon) bool {
	switch c.Method.Name() {
	case "Error", "String", "Read", "Write", "Len", "Less", "Swap":
		return false
	}
	return true
}

func closureOf(v ssa.Value) *ssa.MakeClosure {
	switch v := v.(type) {
	case *ssa.MakeClosure:
		return v
	case *ssa.MakeInterface:
		return closureOf(v.X)
	case *ssa.ChangeType:
		return closureOf(v.X)
	}
	return nil
}

func (e *emitter) arg(a ssa.Value, at ssa.Instruction, s flowState) ArgInfo {
	var ai ArgInfo
	if mc := closureOf(a); mc != nil && strings.HasSuffix(mc.Fn.Name(), "$bound") {
		a = mc.Bindings[0] // the receiver is what matters
	}
	p := e.path(a)
	if p == "nil" || !pointsSomewhere(a.Type(), 2) && !strings.Contains(p, "|") && p[0] != 'p' {
		return ai
	}
	ai.Path = p
	if rest(p) == "" && isMap(a.Type()) {
		if d := e.destinationOf(a); d != "" {
			ai.Path = d
		}
	}
	r := root(p)
	pub, byGo := e.flow.published(s, r)
	ai.Fresh = e.flow.fresh(r)
	ai.Owned = ai.Fresh && !pub
	if l, ok := e.loadOf(a).(*ssa.UnOp); ok && isMap(a.Type()) && e.taken(l, at, p) {
		ai.Owned = true // rule O5
	}
	ai.Pub, ai.PubGo = pub, byGo
	ai.Handed = e.flow.handed(s, r)
	if i := rootIndex(r, 'a'); i >= 0 && i < len(e.objectOf) {
		if ins, ok := e.objectOf[i].(ssa.Instruction); ok {
			d := e.loops[ins.Block().Index]
			ai.PerLoop = d > 0 && d >= e.loops[at.Block().Index]
		}
	} else if r[0] == 'c' {
		for c, n := range e.callIDs {
			if strings.HasPrefix(r, "c"+itoa(n)+"_") {
				d := e.loops[c.Block().Index]
				ai.PerLoop = d > 0 && d >= e.loops[at.Block().Index]
			}
		}
	}
	return ai
}

func (e *emitter) destinationOf(v ssa.Value) string {
	if e.flow.fresh(root(e.path(v))) {
		if _, ok := v.(*ssa.Phi); !ok {
			d, _ := e.destination(v)
			return d
		}
	}
	return ""
}

// registered notes types whose methods a server will call: RegisterGreeterServer(s, impl).
func (e *emitter) registered(full, name string, args []ssa.Value) {
	for _, a := range args { // http.Handle("/", s), whatever the library: it will serve requests with s
		mi, ok := a.(*ssa.MakeInterface)
		if !ok || types.TypeString(mi.Type(), nil) != "net/http.Handler" {
			continue
		}
		obj, _, _ := types.LookupFieldOrMethod(mi.X.Type(), true, nil, "ServeHTTP")
		if m, ok := obj.(*types.Func); ok && m.Pkg() != nil && e.b.own(m.Pkg().Path()) {
			e.b.flows[Flow{"T:" + methodKey(m), "http"}] = true
		}
	}
	switch full {
	case "net/rpc.Register", "net/rpc.RegisterName", "(*net/rpc.Server).Register", "(*net/rpc.Server).RegisterName":
	default:
		if !strings.HasPrefix(name, "Register") || !strings.HasSuffix(name, "Server") && name != "RegisterService" {
			return
		}
	}
	for _, a := range args {
		e.register(a, a.Type())
	}
}

// register notes that a server gets hold of a value as one of the type service: the methods
// that it will call, or that it is what callers pass.
func (e *emitter) register(v ssa.Value, service types.Type) {
	switch v := v.(type) {
	case *ssa.MakeInterface:
		if n, ok := types.Unalias(deref(v.X.Type())).(*types.Named); ok && n.Obj().Pkg() != nil && e.b.own(n.Obj().Pkg().Path()) {
			for m := range served(n, service) {
				e.b.flows[Flow{"T:" + methodKey(m), "rpc"}] = true
			}
		}
	case *ssa.ChangeInterface:
		e.register(v.X, service)
	case *ssa.Parameter:
		for i, p := range e.fn.Params {
			if p == v {
				if e.info.Registers == nil {
					e.info.Registers = make([]bool, len(e.fn.Params))
				}
				e.info.Registers[i] = true
			}
		}
	}
}

// served yields the methods of a type that a server calls which knows it as a service: those
// of that interface, or, where the server finds them by reflection, those that take something
// and may fail.
//
//	clusterpb.RegisterMemberServer(s, node) // node.Startup() error is not one of them
func served(n *types.Named, service types.Type) iter.Seq[*types.Func] {
	return func(yield func(*types.Func) bool) {
		iface, _ := service.Underlying().(*types.Interface)
		named := map[string]bool{}
		for i := range iface.NumMethods() {
			named[iface.Method(i).Name()] = true
		}
		ms := types.NewMethodSet(types.NewPointer(n))
		for i := range ms.Len() {
			m, ok := ms.At(i).Obj().(*types.Func)
			if !ok || !m.Exported() {
				continue
			}
			out := m.Signature().Results()
			fails := out.Len() > 0 && types.TypeString(out.At(out.Len()-1).Type(), nil) == "error"
			if named[m.Name()] || len(named) == 0 && fails && m.Signature().Params().Len() > 0 {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// external records what a library function does to the maps it is given.
func (e *emitter) external(full, pkg, name string, args []ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	if ms := callsBack[pkg]; ms != nil {
		e.callBack(ms, args, at, pos, s)
	}
	ops, known := mapEffects[full]
	for i, a := range args {
		x := a
		if mi, ok := a.(*ssa.MakeInterface); ok {
			x = mi.X
		}
		if isMap(x.Type()) {
			op := Escape
			switch {
			case lazy[plainName(full)] && e.iterated(x, at):
				continue
			case known && i < len(ops):
				op = ops[i]
			case readerPackages[pkg] || contains(e.readers(), plainName(full)):
				op = Range
			}
			e.access(op, x, at, pos, s)
			continue
		}
		switch full := plainName(full); {
		case encoders[full] && x != a:
			e.encoded(x, at, pos, s)
		case decoders[full] == i && i > 0 && x != a:
			e.decoded(x, at, pos, s)
		}
	}
}

func (e *emitter) readers() []string {
	if e.b.know == nil {
		return nil
	}
	return e.b.know.Readers
}

// iterated records the steps over a map that a lazy iterator makes: where the iterator is used,
// not where it was made (rule K6). It reports false when that cannot be seen.
//
//	s.mu.RLock(); names := maps.Keys(s.m); s.mu.RUnlock()
//	for n := range names { … } // reads s.m here
func (e *emitter) iterated(m ssa.Value, at ssa.Instruction) bool {
	it, ok := at.(*ssa.Call)
	if !ok {
		return false
	}
	uses, ok := usesOf(it, 3)
	if !ok {
		return false
	}
	for _, r := range uses {
		s, ok := e.stateAt(r)
		if !ok {
			continue
		}
		switch r := r.(type) {
		case *ssa.Call:
			pos := e.posOf(r)
			if y := yieldOf(&r.Call); y != nil {
				pos = y.Fn.Pos()
			}
			e.access(Range, m, r, pos, s)
		case *ssa.Return:
			e.accessWith(Escape, m, r, e.loadPos(m, r.Pos()), s, true)
		}
	}
	return true
}

// usesOf lists the calls and returns that a value goes to, also by way of a variable. It
// reports false when it goes elsewhere.
func usesOf(v ssa.Value, depth int) ([]ssa.Instruction, bool) {
	if depth == 0 || v.Referrers() == nil {
		return nil, false
	}
	var out []ssa.Instruction
	follow := func(x ssa.Value) bool {
		more, ok := usesOf(x, depth-1)
		out = append(out, more...)
		return ok
	}
	for _, r := range *v.Referrers() {
		switch r := r.(type) {
		case *ssa.DebugRef:
		case *ssa.Call, *ssa.Return:
			out = append(out, r)
		case *ssa.ChangeType:
			if !follow(r) {
				return nil, false
			}
		case *ssa.Store:
			al, ok := r.Addr.(*ssa.Alloc)
			if !ok || al.Heap {
				return nil, false
			}
			for _, l := range *al.Referrers() {
				if ld, ok := l.(*ssa.UnOp); ok && !follow(ld) {
					return nil, false
				}
			}
		default:
			return nil, false
		}
	}
	return out, true
}

// encoded: an encoder ranges over the exported maps of the struct it is given.
func (e *emitter) encoded(x ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	e.fields(Range, "MarshalJSON", x, at, pos, s)
}

// decoded: a decoder fills the map, or the exported maps of the struct, that it is given a
// pointer to.
func (e *emitter) decoded(x ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	if !isMap(deref(x.Type())) {
		e.fields(Write, "UnmarshalJSON", x, at, pos, s)
		return
	}
	if p := e.path(x); p != "nil" && (p[0] != 'u' || rest(p) != "") {
		e.walked(Write, p, at, pos, s)
	}
}

// fields records an access to each exported map of a struct, unless a method of its own does
// the work.
func (e *emitter) fields(op Op, own string, x ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	t := deref(x.Type())
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	if n, ok := types.Unalias(t).(*types.Named); !ok || n.Obj().Pkg() == nil || !e.b.own(n.Obj().Pkg().Path()) {
		return
	} else if obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(n), true, nil, own); obj != nil {
		return
	}
	base := e.path(x)
	if base == "nil" || strings.HasPrefix(base, "u") && rest(base) == "" {
		return
	}
	for i := range st.NumFields() {
		if f := st.Field(i); f.Exported() && isMap(f.Type()) && !strings.Contains(st.Tag(i), `json:"-"`) {
			e.walked(op, join(base, e.b.names.of(t, i)), at, pos, s)
		}
	}
}

func (e *emitter) walked(op Op, path string, at ssa.Instruction, pos token.Pos, s flowState) {
	a := e.newAccess(op, path, root(path), pos, s)
	a.Loop = e.loops[at.Block().Index]
	e.info.Accesses = append(e.info.Accesses, a)
}

// results summarises what the function returns, over all its returns.
func (e *emitter) results() {
	n := e.fn.Signature.Results().Len()
	if n == 0 || len(e.rets) == 0 {
		return
	}
	out := make([]ResultInfo, n)
	works := slices.ContainsFunc(e.rets, func(ret *ssa.Return) bool { return !fails(ret) })
	for i := range n {
		r := ResultInfo{Load: -1}
		fresh, bad := true, false
		var made []string
		for _, ret := range e.rets {
			if i >= len(ret.Results) || works && fails(ret) {
				continue
			}
			v := ret.Results[i]
			p := e.path(v)
			if p == "nil" || e.detached(v, ret) {
				continue
			}
			rt := root(p)
			if !slices.Contains(made, p) {
				made = append(made, p)
			}
			_, ref := v.Type().Underlying().(*types.Pointer)
			if rest(p) == "" && (e.flow.fresh(rt) || ref && e.flow.local(rt)) {
				r.Shallow = r.Shallow || e.foreign[rt]
				s, _ := e.stateAt(ret)
				if pub, _ := e.flow.published(s, rt); pub {
					fresh = false
				}
				continue
			}
			fresh = false
			if c := rt[0]; c != 'p' && c != 'g' {
				bad = true
				continue
			}
			if r.Path != "" && r.Path != p {
				bad = true
			}
			r.Path = p
			if l := e.loadOf(v); l != nil && isMap(v.Type()) {
				if ls, ok := e.loads[l]; ok {
					r.Load = e.intern(e.flow.lockState(ls))
					r.Pos = e.b.pos(ret.Pos())
				}
			}
		}
		if bad {
			r.Path, r.Load = "", -1
		}
		r.Fresh = fresh && r.Path == "" && !bad
		if len(made) == 1 && rest(made[0]) == "" {
			r.Aliases = e.aliasesOf(made[0])
		}
		if len(made) == 1 && rest(made[0]) == "" && (made[0][0] == 'a' || made[0][0] == 'c') {
			r.Root = made[0]
		}
		out[i] = r
	}
	e.info.Results = out
}

// fails reports whether a function returns an error for certain. What it returns beside that is
// not meant to be used.
//
//	return nilActor, ErrNoID
func fails(ret *ssa.Return) bool {
	if len(ret.Results) < 2 {
		return false
	}
	err := ret.Results[len(ret.Results)-1]
	if types.TypeString(err.Type(), nil) != "error" {
		return false
	}
	switch v := err.(type) {
	case *ssa.MakeInterface:
		return true
	case *ssa.UnOp:
		_, global := v.X.(*ssa.Global)
		return v.Op == token.MUL && global
	}
	return false
}

// callBack records that a library function calls methods of what it is given, as heap.Push
// calls Push, Less and Swap.
func (e *emitter) callBack(methods []string, args []ssa.Value, at ssa.Instruction, pos token.Pos, s flowState) {
	for _, a := range args {
		mi, ok := a.(*ssa.MakeInterface)
		if !ok {
			continue
		}
		for _, name := range methods {
			obj, _, _ := types.LookupFieldOrMethod(mi.X.Type(), true, e.b.pkg, name)
			m, ok := obj.(*types.Func)
			if !ok || m.Pkg() == nil || !e.b.own(m.Pkg().Path()) && m.Pkg() != e.b.pkg {
				continue
			}
			e.info.Calls = append(e.info.Calls, CallInfo{
				Kind: "call", ID: -1, From: -1, Pos: e.b.pos(pos), State: e.intern(e.flow.lockState(s)), Loop: e.loops[at.Block().Index],
				Seq: !s.spawned, Callee: methodKey(m), Args: []ArgInfo{e.arg(mi.X, at, s)},
			})
		}
	}
}
