// This file is the flow analysis of one function: which locks are held, and which objects
// other goroutines may know, at each instruction.

package detect

import (
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// A flowState is what holds before an instruction. Locks are numbered per function, two
// bits each in must (write, read); objects are numbered by ownership group.
type flowState struct {
	must, may uint64
	released  uint64 // the caller's lock may be given back now
	relocked  uint64 // it was given back and taken again on some way
	pub       uint64 // may be known to others, through the heap
	sent      uint64 // was sent through a channel, perhaps as a part of a copy
	pubGo     uint64 // may be known to goroutines started here and not yet joined
	wholeGo   uint64 // of those, the ones of which not only elements are known
	spawned   bool
	joined    bool   // waited for a WaitGroup on every way here
	received  bool   // received from a channel of the caller's on every way here
	after     uint64 // what was waited for on every way here, see flow.waits
	phase     uint8  // how often all goroutines were joined before; manyPhases if it depends
	reached   bool
}

const manyPhases = 255

// join ends the goroutines that were started here (rule O3).
func (s *flowState) join() {
	if s.phase < manyPhases {
		s.phase++ // whether anything was started or not: states only ever grow
	}
	s.pubGo, s.wholeGo = 0, 0
}

// meet joins what holds on two ways: must by intersection, may by union (rule L1). It reports
// whether anything changed.
func (s *flowState) meet(o flowState) bool {
	if !o.reached {
		return false
	}
	if !s.reached {
		*s = o
		return true
	}
	old := *s
	s.must &= o.must
	s.may |= o.may
	s.released |= o.released
	s.relocked |= o.relocked
	s.pub |= o.pub
	s.sent |= o.sent
	s.pubGo |= o.pubGo
	s.wholeGo |= o.wholeGo
	s.spawned = s.spawned || o.spawned
	s.joined = s.joined && o.joined
	s.received = s.received && o.received
	s.after &= o.after
	if s.phase != o.phase {
		s.phase = manyPhases
	}
	return *s != old
}

const maxLocks, maxGroups = 32, 64

type flow struct {
	f       *function
	locks   map[string]int
	lockAt  []string
	group   map[string]int // root → object number
	holds   [][]int        // objects that an object may refer to
	roots   []string
	in      []flowState
	signals bool // a goroutine started here signals its end
	defers  []*ssa.Defer
	tokens  map[ssa.Instruction]bool // channel operations that lock (true) or unlock
	waits   []string                 // flow keys of the channels and WaitGroups waited for
}

func newFlow(f *function) *flow {
	fl := &flow{f: f, locks: map[string]int{}, group: map[string]int{}, in: make([]flowState, len(f.fn.Blocks))}
	fl.prepare()
	fl.findTokens()
	return fl
}

// prepare finds which objects refer to which: who is known makes known what it refers to.
func (fl *flow) prepare() {
	f := fl.f
	var phis []string
	for _, b := range f.fn.Blocks {
		for _, ins := range b.Instrs {
			switch ins := ins.(type) {
			case *ssa.Store:
				fl.tie(ins.Addr, ins.Val)
			case *ssa.MapUpdate:
				fl.tie(ins.Map, ins.Value)
			case *ssa.Phi:
				if r := f.path(ins); f.earlier[r] != nil {
					phis = append(phis, r)
				}
			case *ssa.Defer:
				fl.defers = append(fl.defers, ins)
			case *ssa.Go:
				if info, _ := f.callee(&ins.Call); info != nil && info.Signals {
					fl.signals = true
				}
			case *ssa.Call:
				if info, _ := f.callee(&ins.Call); info != nil && info.GoSignals {
					fl.signals = true
				}
				if y := yieldOf(&ins.Call); y != nil {
					if info := f.b.lookup(funcKey(y.Fn.(*ssa.Function))); info != nil && info.GoSignals {
						fl.signals = true
					}
				}
			}
		}
	}
	for _, r := range phis {
		g := fl.groupOf(r)
		for _, o := range f.earlier[r] {
			fl.holds[g] = append(fl.holds[g], fl.holds[fl.groupOf(o)]...)
		}
	}
}

func (fl *flow) tie(addr, val ssa.Value) {
	r := root(fl.f.place(addr))
	if !fl.local(r) {
		return
	}
	g := fl.groupOf(r)
	for _, h := range fl.carried(val, nil) {
		if h != g && !slices.Contains(fl.holds[g], h) {
			fl.holds[g] = append(fl.holds[g], h)
		}
	}
}

// local reports whether a root is an object or variable of this function.
func (fl *flow) local(r string) bool { return r[0] == 'a' || fl.f.freshCalls[r] }

// fresh reports whether, besides, nothing older can be in it.
func (fl *flow) fresh(r string) bool {
	return fl.local(r) && !fl.f.foreign[r]
}

func (fl *flow) groupOf(r string) int {
	if g, ok := fl.group[r]; ok {
		return g
	}
	g := len(fl.roots)
	fl.group[r] = g
	fl.roots = append(fl.roots, r)
	fl.holds = append(fl.holds, nil)
	return g
}

// bit is an object's bit; objects beyond the limit share the last one.
func (fl *flow) bit(g int) uint64 { return 1 << min(g, maxGroups-1) }

// reach is the bits of an object and of all it may refer to.
func (fl *flow) reach(g int, m uint64) uint64 {
	b := fl.bit(g)
	if m&b != 0 && g < maxGroups-1 {
		return m
	}
	m |= b
	for _, h := range fl.holds[g] {
		if h < maxGroups-1 || m&fl.bit(h) == 0 {
			m = fl.reach(h, m)
		}
	}
	return m
}

// carried lists the groups of the objects that a value gives access to.
func (fl *flow) carried(v ssa.Value, out []int) []int {
	switch v := v.(type) {
	case *ssa.MakeClosure:
		for _, x := range v.Bindings {
			out = fl.carried(x, out)
		}
		return out
	case *ssa.MakeInterface:
		return fl.carried(v.X, out)
	case *ssa.ChangeType:
		return fl.carried(v.X, out)
	case *ssa.Const, *ssa.Function, *ssa.Builtin, *ssa.Global:
		return out
	}
	if !pointsSomewhere(v.Type(), 3) {
		return out
	}
	r := root(fl.f.path(v))
	if fl.local(r) || r[0] == 'p' || r[0] == 'f' {
		out = append(out, fl.groupOf(r))
	}
	return out
}

func pointsSomewhere(t types.Type, depth int) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Struct:
		if depth == 0 {
			return true
		}
		for i := range u.NumFields() {
			if pointsSomewhere(u.Field(i).Type(), depth-1) {
				return true
			}
		}
		return false
	case *types.Array:
		return pointsSomewhere(u.Elem(), depth)
	}
	return true
}

func (fl *flow) bits(v ssa.Value) uint64 {
	var m uint64
	for _, g := range fl.carried(v, nil) {
		m = fl.reach(g, m)
	}
	return m
}

// shareGo notes that a goroutine knows a value. Whoever has an element does not get at the
// collection from there.
//
//	for node, cmds := range todo.m { go c.send(node, cmds, failed) } // failed, but not todo
func (fl *flow) shareGo(s *flowState, v ssa.Value) {
	if mc, ok := v.(*ssa.MakeClosure); ok {
		for _, x := range mc.Bindings {
			fl.shareGo(s, x)
		}
		return
	}
	s.pubGo |= fl.bits(v)
	path := fl.f.path(v)
	if !fl.local(root(path)) || !strings.Contains(path, "|[]") {
		s.wholeGo |= fl.bits(v)
		return
	}
	for _, g := range fl.carried(v, nil) {
		for _, h := range fl.holds[g] {
			s.wholeGo = fl.reach(h, s.wholeGo)
		}
	}
}

// publishedAs is published for the map at a path.
func (fl *flow) publishedAs(s flowState, r, path string) (pub, byGo bool) {
	if !strings.Contains(path, "|[]") {
		s.pubGo = s.wholeGo
	}
	return fl.published(s, r)
}

// published reports whether the object at root may be known to others in state s.
func (fl *flow) published(s flowState, r string) (pub, byGo bool) {
	g, ok := fl.group[r]
	if !ok {
		return false, false
	}
	b := fl.bit(g)
	return (s.pub|s.pubGo)&b != 0, s.pubGo&b != 0
}

// handed reports whether the object at root was sent through a channel: the receiver works on
// it now.
func (fl *flow) handed(s flowState, r string) bool {
	g, ok := fl.group[r]
	return ok && fl.local(r) && s.sent&fl.bit(g) != 0
}

func (fl *flow) lock(path string) int {
	if i, ok := fl.locks[path]; ok {
		return i
	}
	if len(fl.lockAt) == maxLocks {
		return -1
	}
	i := len(fl.lockAt)
	fl.locks[path] = i
	fl.lockAt = append(fl.lockAt, path)
	return i
}

func (fl *flow) acquire(s *flowState, path string, read, certain bool) {
	i := fl.lock(path)
	if i < 0 {
		return
	}
	b := uint64(1) << (2 * i)
	if read {
		b <<= 1
	}
	if certain {
		s.must |= b
	}
	s.may |= b
	if both := uint64(3) << (2 * i); certain && s.released&both != 0 {
		// Taken again: what was given back was the caller's, and is as before.
		s.released &^= both
		s.relocked |= both
	}
}

func (fl *flow) release(s *flowState, path string, certain bool) {
	i := fl.lock(path)
	if i < 0 {
		return
	}
	b := uint64(3) << (2 * i)
	if s.must&b == 0 && s.may&b == 0 {
		s.released |= b
	}
	s.must &^= b
	if certain {
		s.may &^= b
	}
}

func (fl *flow) run() {
	blocks := fl.f.fn.Blocks
	fl.in[0].reached = true
	work := []*ssa.BasicBlock{blocks[0]}
	queued := make([]bool, len(blocks))
	for steps := 0; len(work) > 0 && steps < 60*len(blocks)+1000; steps++ {
		b := work[0]
		work = work[1:]
		queued[b.Index] = false
		s := fl.in[b.Index]
		for _, ins := range b.Instrs {
			fl.step(&s, ins)
		}
		for i, succ := range b.Succs {
			t := s
			fl.branch(&t, b, i)
			if fl.in[succ.Index].meet(t) && !queued[succ.Index] {
				queued[succ.Index] = true
				work = append(work, succ)
			}
		}
	}
}

// each visits every reachable instruction with the state before it.
func (fl *flow) each(visit func(ins ssa.Instruction, s flowState)) {
	for _, b := range fl.f.fn.Blocks {
		s := fl.in[b.Index]
		if !s.reached {
			continue
		}
		for _, ins := range b.Instrs {
			visit(ins, s)
			fl.step(&s, ins)
		}
	}
}

// counts reports whether the edge leaves a loop that receives once a turn: as many signals
// as goroutines.
//
//	for range paths {
//		<-done
//	}
func (fl *flow) counts(b *ssa.BasicBlock, succ int) bool {
	body := fl.f.loopOf(b)
	if body == nil || body[b.Succs[succ]] {
		return false
	}
	for x := range body {
		for _, ins := range x.Instrs {
			if u, ok := ins.(*ssa.UnOp); ok && u.Op == token.ARROW {
				return true
			}
			if _, ok := ins.(*ssa.Go); ok {
				return false
			}
		}
	}
	return false
}

// branch refines a state on an edge: after `if mu.TryLock()`, and out of a loop that joins.
func (fl *flow) branch(s *flowState, b *ssa.BasicBlock, succ int) {
	iff, ok := b.Instrs[len(b.Instrs)-1].(*ssa.If)
	if !ok {
		return
	}
	if fl.signals && s.pubGo != 0 && fl.counts(b, succ) {
		s.join()
	}
	cond, want := iff.Cond, 0
	if n, ok := cond.(*ssa.UnOp); ok && n.Op == token.NOT {
		cond, want = n.X, 1
	}
	if flag, set := fl.f.flagOf(cond); flag != nil && set == (succ == want) {
		fl.await(s, fl.f.flowKey(fl.f.path(flag)))
	}
	call, ok := cond.(*ssa.Call)
	if !ok || succ != want {
		return
	}
	if op, path := fl.f.lockCall(&call.Call); op == opTryLock || op == opTryRLock {
		fl.acquire(s, path, op == opTryRLock, true)
	}
}

// flagOf returns the atomic flag that a condition asks for, and whether the condition holds
// when it is set (rule O3).
//
//	s.ready.Load()
//	atomic.LoadInt32(&s.ready) == 0
func (f *function) flagOf(cond ssa.Value) (flag ssa.Value, set bool) {
	set = true
	if b, ok := cond.(*ssa.BinOp); ok {
		c, isConst := b.Y.(*ssa.Const)
		if !isConst || b.Op != token.EQL && b.Op != token.NEQ || c.Value == nil {
			return nil, false
		}
		cond, set = b.X, (b.Op == token.EQL) != zero(c)
	}
	call, ok := cond.(*ssa.Call)
	if !ok {
		return nil, false
	}
	fn, args := f.static(&call.Call)
	if fn == nil || len(args) != 1 {
		return nil, false
	}
	if full, pkg := fullName(fn); pkg != "sync/atomic" || fn.Name() != "Load" && !strings.HasPrefix(full, "sync/atomic.Load") {
		return nil, false
	}
	return args[0], set
}

// setFlag returns the atomic flag that a call sets to a constant other than its zero value.
func (f *function) setFlag(c *ssa.CallCommon) ssa.Value {
	fn, args := f.static(c)
	if fn == nil || len(args) != 2 {
		return nil
	}
	if full, pkg := fullName(fn); pkg != "sync/atomic" || fn.Name() != "Store" && !strings.HasPrefix(full, "sync/atomic.Store") {
		return nil
	}
	if k, ok := args[1].(*ssa.Const); !ok || k.Value == nil || zero(k) {
		return nil
	}
	return args[0]
}

// zero reports whether a constant is false or 0.
func zero(c *ssa.Const) bool {
	s := c.Value.ExactString()
	return s == "false" || s == "0"
}

// lockCall recognises a call of a lock's method and names the lock.
func (f *function) lockCall(c *ssa.CallCommon) (lockOp, string) {
	if c.IsInvoke() {
		if op := f.b.know.lockOp(c.Method); op != notLock {
			path := f.path(c.Value)
			if k, _ := mapKey(path, ""); k != "" {
				f.b.flows[Flow{"L:" + k, "any lock"}] = true // rule L6
			}
			return op, path
		}
		return notLock, ""
	}
	fn, args := f.static(c)
	if fn == nil || len(args) == 0 {
		return notLock, ""
	}
	obj, ok := fn.Object().(*types.Func)
	if !ok {
		return notLock, ""
	}
	op := f.b.know.lockOp(obj)
	if op == notLock {
		return notLock, ""
	}
	if info := f.b.lookup(funcKey(fn)); info != nil && (len(info.Acquire)+len(info.Release) > 0) {
		return notLock, "" // a wrapper: its effect says more
	}
	return op, f.lockPath(args[0])
}

// copiedLock ends the name of a lock in a copy of the struct that the other accesses lock: a
// lock of its own (rule L8).
const copiedLock = "#copy"

// lockPath names a lock. One that lies in a copy of a struct is another lock than the
// original's, while the maps in both are the same.
//
//	func (c Counter) Inc(k string) { c.mu.Lock(); c.hits[k]++; c.mu.Unlock() }
func (f *function) lockPath(lock ssa.Value) string {
	path := f.path(lock)
	v := lock
	for {
		fa, ok := v.(*ssa.FieldAddr)
		if !ok {
			break
		}
		v = fa.X
	}
	al, ok := v.(*ssa.Alloc)
	if !ok || v == lock || !isStructVar(al) {
		return path
	}
	switch src := f.copied(al).(type) {
	case *ssa.Parameter:
	case *ssa.UnOp:
		if src.Op != token.MUL {
			return path
		}
	default:
		return path
	}
	for _, r := range *al.Referrers() {
		if _, ok := r.(*ssa.MakeClosure); ok {
			return path // the copy is an object that several functions share
		}
	}
	return path + copiedLock
}

// step is the transfer function.
func (fl *flow) step(s *flowState, ins ssa.Instruction) {
	switch ins := ins.(type) {
	case *ssa.Call:
		fl.call(s, &ins.Call)
		fl.renewResults(s, ins)
	case *ssa.Alloc:
		fl.renew(s, ins)
	case *ssa.Phi:
		fl.inherit(s, ins)
	case *ssa.MakeMap:
		fl.renew(s, ins)
	case *ssa.Go:
		s.spawned = true
		fl.shareGo(s, ins.Call.Value)
		for _, a := range ins.Call.Args {
			fl.shareGo(s, a)
		}
	case *ssa.RunDefers: // rule L2
		for i := len(fl.defers) - 1; i >= 0; i-- {
			d := fl.defers[i]
			if d.Block().Dominates(ins.Block()) {
				fl.call(s, &d.Call)
			} else {
				fl.maybe(s, &d.Call)
			}
		}
	case *ssa.Store:
		fl.keep(s, ins.Addr, ins.Val)
	case *ssa.MapUpdate:
		fl.keep(s, ins.Map, ins.Value)
	case *ssa.Send:
		fl.token(s, ins.Chan, ins)
		s.pub |= fl.bits(ins.X)
		s.sent |= fl.bits(ins.X)
	case *ssa.Select:
		for _, st := range ins.States {
			if st.Dir == types.SendOnly && fl.tokens[ins] {
				// Other cases have no token; they leave, or they would not be followed by
				// what needs it.
				fl.acquire(s, fl.f.path(st.Chan), false, true)
			}
			if st.Dir == types.SendOnly {
				s.pub |= fl.bits(st.Send)
				s.sent |= fl.bits(st.Send)
			}
		}
	case *ssa.UnOp:
		if ins.Op == token.ARROW {
			fl.token(s, ins.X, ins)
			if fl.signals {
				s.join()
			}
			if r := root(fl.f.path(ins.X)); r[0] == 'p' || r[0] == 'f' {
				s.received = true
			}
			fl.await(s, fl.f.flowKey(fl.f.path(ins.X)))
		}
	}
}

// keep is the effect of storing val into what addr denotes (rule O1).
func (fl *flow) keep(s *flowState, addr, val ssa.Value) {
	r := root(fl.f.place(addr))
	switch {
	case strings.HasPrefix(r, "F:"):
		// A local variable that holds one function, as recursive closures do:
		//	var walk func(n node)
		//	walk = func(n node) { … walk(n.next) … }
		// Who gets hold of it is seen where the function flows.
	case isCell(addr):
		// A variable on the stack, such as a named result that a defer may change.
	case fl.local(r):
		if pub, byGo := fl.published(*s, r); pub {
			if byGo && s.pub&fl.bit(fl.groupOf(r)) == 0 {
				fl.shareGo(s, val)
			} else {
				s.pub |= fl.bits(val)
			}
		}
	case r[0] == 'p' || r[0] == 'f':
		// Kept by something the caller owns or shares: parameters stay as they are,
		// objects made here become part of it.
		for _, g := range fl.carried(val, nil) {
			if k := fl.roots[g][0]; k != 'p' && k != 'f' {
				s.pub |= fl.reach(g, 0)
			}
		}
	default:
		s.pub |= fl.bits(val)
	}
}

func isCell(addr ssa.Value) bool {
	a, ok := addr.(*ssa.Alloc)
	return ok && !a.Heap
}

// renew: each execution of an allocation makes a new object, which nobody knows.
func (fl *flow) renew(s *flowState, v ssa.Value) {
	if g, ok := fl.group[fl.f.object(v)]; ok && g < maxGroups-1 {
		fl.forget(s, g)
	}
}

// renewResults does the same for what a callee has made.
func (fl *flow) renewResults(s *flowState, c *ssa.Call) {
	for i := range c.Call.Signature().Results().Len() {
		r := "c" + itoa(fl.f.callID(c)) + "_" + itoa(i)
		if g, ok := fl.group[r]; ok && g < maxGroups-1 && fl.f.freshCalls[r] {
			fl.forget(s, g)
		}
	}
}

// forget: nobody knows an object.
func (fl *flow) forget(s *flowState, g int) {
	s.pub &^= fl.bit(g)
	s.sent &^= fl.bit(g)
	s.pubGo &^= fl.bit(g)
	s.wholeGo &^= fl.bit(g)
}

// inherit: whoever knows what the turn before of a loop has made still does.
func (fl *flow) inherit(s *flowState, v *ssa.Phi) {
	r := fl.f.path(v)
	older := fl.f.earlier[r]
	if older == nil {
		return
	}
	var theirs uint64
	for _, o := range older {
		theirs |= fl.bit(fl.groupOf(o))
	}
	g := fl.groupOf(r)
	known := *s
	if g < maxGroups-1 {
		fl.forget(s, g)
	}
	for _, k := range []struct{ to, from *uint64 }{{&s.pub, &known.pub}, {&s.pubGo, &known.pubGo}, {&s.wholeGo, &known.wholeGo}, {&s.sent, &known.sent}} {
		if *k.from&theirs != 0 {
			*k.to |= fl.bit(g)
		}
	}
}

// maybe applies the lock effects of a call that may not happen.
func (fl *flow) maybe(s *flowState, c *ssa.CallCommon) {
	t := *s
	fl.call(&t, c)
	s.must &= t.must
	s.may &= t.may // deferred under the condition under which it was locked
	// A deferred unlock of what is not held was not reached: it gives nothing back.
}

func (fl *flow) call(s *flowState, c *ssa.CallCommon) {
	f := fl.f
	if op, path := f.lockCall(c); op != notLock {
		switch op {
		case opLock, opRLock:
			fl.acquire(s, path, op == opRLock, true)
		case opUnlock, opRUnlock:
			fl.release(s, path, true)
		case opTryLock, opTryRLock:
			// see branch
		}
		return
	}
	if c.IsInvoke() {
		fl.wrapped(s, c)
		if retains(c.Method.Name()) {
			for _, a := range c.Args {
				s.pub |= fl.bits(a)
			}
		}
		return
	}
	if y := yieldOf(c); y != nil {
		// The body of a range over a function runs here, like any loop's.
		if info := f.b.lookup(funcKey(y.Fn.(*ssa.Function))); info != nil {
			fl.apply(s, y, info, nil)
		}
	}
	fn, args := f.static(c)
	if fn == nil {
		return
	}
	if info := f.b.lookup(funcKey(fn)); info != nil {
		mc, _ := c.Value.(*ssa.MakeClosure)
		fl.apply(s, mc, info, args)
		return
	}
	full, pkg := fullName(fn)
	if f.b.know.waits(full) || fn.Name() == "Wait" && len(args) == 1 && full != "(*sync.Cond).Wait" {
		s.join()
		s.joined = true
		if len(args) > 0 {
			fl.await(s, fl.f.flowKey(fl.f.path(args[0])))
		}
		return
	}
	for _, i := range keepers[plainName(full)] {
		if i < len(args) {
			s.pub |= fl.bits(args[i])
		}
	}
	switch eff := f.b.know.effectOf(full, pkg); eff {
	case effectSpawn:
		s.spawned = true
		for _, a := range args {
			fl.shareGo(s, a)
		}
	case effectHandler:
		s.spawned = true
		for _, a := range args {
			s.pub |= fl.bits(a)
		}
	case effectUnknown:
		// Most libraries call the functions they are given before they return
		// (sort.Slice, ast.Inspect, a visitor); those that keep them are in the
		// table, or say so in their names.
		keep := strings.Contains(pkg, ".") && retains(fn.Name())
		for _, a := range args {
			if keep {
				s.pub |= fl.bits(a)
			}
		}
	}
}

// wrapped applies what an interface's method does to locks, where all implementations in the
// package do one: a store that is locked through its interface (rule K1).
//
//	func (s *fileStore) lock() *cache { s.mu.Lock(); return s.cache }
//	func (s *etcdStore) lock() *cache { s.mu.Lock(); return s.cache }
func (fl *flow) wrapped(s *flowState, c *ssa.CallCommon) {
	infos := fl.f.b.implementations(c)
	paths := []string{fl.f.path(c.Value)}
	for _, a := range c.Args {
		paths = append(paths, fl.f.path(a))
	}
	for _, info := range infos {
		for _, l := range info.Release {
			if p, ok := substitute(l, paths, nil); ok {
				fl.release(s, p, true)
			}
		}
		for _, l := range info.Acquire {
			if p, ok := substitute(l.Path, paths, nil); ok {
				fl.acquire(s, p, l.Read, true)
			}
		}
	}
}

func isClosure(v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.MakeClosure:
		return true
	case *ssa.MakeInterface:
		return isClosure(v.X)
	case *ssa.ChangeType:
		return isClosure(v.X)
	}
	return false
}

// joins reports whether a function of that name, which receives from a channel of its
// receiver or argument, does so to wait for what was started.
func joins(name string) bool {
	for _, v := range []string{"Close", "Stop", "Wait", "Join", "Shutdown", "Await", "Drain"} {
		if strings.HasPrefix(name, v) || strings.HasPrefix(name, strings.ToLower(v)) {
			return true
		}
	}
	return false
}

// yieldOf returns the body of a range over a function that the call iterates with, or nil.
//
//	for k := range s.All() { … }   // the call s.All()(body)
func yieldOf(c *ssa.CallCommon) *ssa.MakeClosure {
	if len(c.Args) != 1 {
		return nil
	}
	mc, ok := c.Args[0].(*ssa.MakeClosure)
	if !ok || mc.Fn.(*ssa.Function).Synthetic != "range-over-func yield" {
		return nil
	}
	return mc
}

// apply is the effect of calling a function with a summary; mc is the literal that is
// called, if it is one.
func (fl *flow) apply(s *flowState, mc *ssa.MakeClosure, info *FuncInfo, args []ssa.Value) {
	f := fl.f
	if info.Joins || info.Receives && fl.signals {
		s.join()
		s.joined = s.joined || info.Joins
	}
	for _, k := range info.Awaits {
		fl.await(s, k)
	}
	paths := make([]string, len(args))
	for i, a := range args {
		paths[i] = f.path(a)
		fl.publish(s, a, info.Publishes, info.GoPublishes, i)
	}
	var free []string
	if mc != nil {
		for i, x := range mc.Bindings {
			free = append(free, f.path(x))
			fl.publish(s, x, info.FreePublishes, info.FreeGoPublishes, i)
		}
	}
	for _, l := range info.Release {
		if p, ok := substitute(l, paths, free); ok {
			fl.release(s, p, true)
		}
	}
	for _, l := range info.MayRelease {
		if p, ok := substitute(l, paths, free); ok {
			fl.release(s, p, false)
		}
	}
	for _, l := range info.Acquire {
		if p, ok := substitute(l.Path, paths, free); ok {
			fl.acquire(s, p, l.Read, true)
		}
	}
	for _, l := range info.MayAcquire {
		if p, ok := substitute(l.Path, paths, free); ok {
			fl.acquire(s, p, l.Read, false)
		}
	}
	if info.Spawns {
		s.spawned = true
	}
}

// findTokens finds the channels of capacity one that a function uses as locks: it puts a token
// in and takes one out again, or the other way round (rule K4).
//
//	s.sem <- struct{}{}
//	defer func() { <-s.sem }()
func (fl *flow) findTokens() {
	first := map[string]ssa.Instruction{}
	fl.tokens = map[ssa.Instruction]bool{}
	note := func(ch ssa.Value, ins ssa.Instruction) {
		if st, ok := ch.Type().Underlying().(*types.Chan).Elem().Underlying().(*types.Struct); !ok || st.NumFields() > 0 {
			return
		}
		p := fl.f.path(ch)
		if !fl.f.b.slots[fl.f.flowKey(p)] {
			return // not of capacity one: several may have a token
		}
		old, ok := first[p]
		switch {
		case !ok:
			first[p] = ins
		case precedes(old, ins) && sends(old) != sends(ins):
			fl.tokens[old], fl.tokens[ins] = true, false
		}
	}
	for _, b := range fl.f.fn.Blocks {
		for _, ins := range b.Instrs {
			switch ins := ins.(type) {
			case *ssa.Send:
				note(ins.Chan, ins)
			case *ssa.Select:
				for _, st := range ins.States {
					if st.Dir == types.SendOnly {
						note(st.Chan, ins)
					}
				}
			case *ssa.UnOp:
				if ins.Op == token.ARROW {
					note(ins.X, ins)
				}
			case *ssa.Defer:
				if mc, ok := ins.Call.Value.(*ssa.MakeClosure); ok {
					fl.deferredToken(mc, first)
				}
			}
		}
	}
}

// deferredToken handles a token that a deferred literal gives back.
func (fl *flow) deferredToken(mc *ssa.MakeClosure, first map[string]ssa.Instruction) {
	fn := mc.Fn.(*ssa.Function)
	for _, b := range fn.Blocks {
		for _, ins := range b.Instrs {
			u, ok := ins.(*ssa.UnOp)
			if !ok || u.Op != token.ARROW {
				continue
			}
			for p, old := range first {
				if sends(old) && lastSelector(p) != "" && lastSelector(p) == lastSelectorOf(u.X, fl.f.b) {
					fl.tokens[old] = true
				}
			}
		}
	}
}

// lastSelectorOf names the field that a value is loaded from, "" if it is none.
func lastSelectorOf(v ssa.Value, b *builder) string {
	if ld, ok := v.(*ssa.UnOp); ok {
		if fa, ok := ld.X.(*ssa.FieldAddr); ok {
			return b.names.of(fa.X.Type(), fa.Field)
		}
	}
	return ""
}

func sends(ins ssa.Instruction) bool {
	switch ins.(type) {
	case *ssa.Send, *ssa.Select:
		return true
	}
	return false
}

// token is the effect of a channel operation that is a lock's.
func (fl *flow) token(s *flowState, ch ssa.Value, ins ssa.Instruction) {
	if takes, ok := fl.tokens[ins]; ok {
		if takes {
			fl.acquire(s, fl.f.path(ch), false, true)
		} else {
			fl.release(s, fl.f.path(ch), true)
		}
	}
}

// await notes that a channel or WaitGroup has been waited for.
func (fl *flow) await(s *flowState, key string) {
	i := slices.Index(fl.waits, key)
	if i < 0 {
		if len(fl.waits) == 64 {
			return
		}
		i = len(fl.waits)
		fl.waits = append(fl.waits, key)
	}
	s.after |= 1 << i
}

// awaited spells out what was waited for.
func (fl *flow) awaited(s flowState) []string {
	var out []string
	for i, k := range fl.waits {
		if s.after&(1<<i) != 0 {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// ends lists the channels that the function closes, the WaitGroups that it leaves, and the
// atomic flags that it sets, when it is over: by a defer that always runs, or as the last
// thing before it returns.
func (fl *flow) ends() []string {
	var out []string
	for _, b := range fl.f.fn.Blocks {
		c := lastCall(b)
		if c == nil {
			continue
		}
		if flag := fl.f.setFlag(&c.Call); flag != nil {
			out = append(out, fl.f.flowKey(fl.f.path(flag)))
		} else if bi, ok := c.Call.Value.(*ssa.Builtin); ok && bi.Name() == "close" {
			out = append(out, fl.f.flowKey(fl.f.path(c.Call.Args[0])))
		}
	}
	for _, d := range fl.defers {
		if d.Block().Index != 0 && !fl.always(d) {
			continue
		}
		if b, ok := d.Call.Value.(*ssa.Builtin); ok {
			if b.Name() == "close" {
				out = append(out, fl.f.flowKey(fl.f.path(d.Call.Args[0])))
			}
			continue
		}
		if fn, args := fl.f.static(&d.Call); fn != nil && len(args) > 0 {
			if full, _ := fullName(fn); full == "(*sync.WaitGroup).Done" {
				out = append(out, fl.f.flowKey(fl.f.path(args[0])))
			}
		}
	}
	return out
}

// lastCall returns the call after which a block does nothing but return, or nil.
func lastCall(b *ssa.BasicBlock) *ssa.Call {
	if !returns(b) {
		return nil
	}
	if n := len(b.Instrs) - 2; n >= 0 {
		c, _ := b.Instrs[n].(*ssa.Call) // deferred calls would come after it
		return c
	}
	return nil
}

func returns(b *ssa.BasicBlock) bool {
	_, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return)
	return ok
}

// always reports whether a defer is reached on every way out.
func (fl *flow) always(d *ssa.Defer) bool {
	for _, b := range fl.f.fn.Blocks {
		if _, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return); ok && !d.Block().Dominates(b) {
			return false
		}
	}
	return true
}

// publish marks what a callee makes known of its i'th argument.
func (fl *flow) publish(s *flowState, v ssa.Value, heap, byGo []bool, i int) {
	if i < len(heap) && heap[i] {
		s.pub |= fl.bits(v)
	}
	if i < len(byGo) && byGo[i] {
		fl.shareGo(s, v)
	}
}

// lockState spells a flow state out.
func (fl *flow) lockState(s flowState) LockState {
	var ls LockState
	for i, path := range fl.lockAt {
		w, r := uint64(1)<<(2*i), uint64(2)<<(2*i)
		switch {
		case s.must&w != 0:
			ls.Must = append(ls.Must, LockRef{path, false})
		case s.must&r != 0:
			ls.Must = append(ls.Must, LockRef{path, true})
		case s.may&(w|r) != 0:
			ls.May = append(ls.May, path)
		}
		if s.released&(w|r) != 0 {
			ls.Released = append(ls.Released, path)
		}
	}
	sort.Slice(ls.Must, func(i, j int) bool { return ls.Must[i].Path < ls.Must[j].Path })
	sort.Strings(ls.May)
	sort.Strings(ls.Released)
	return ls
}

// effects fills the function's net effect on locks, parameters and goroutines.
func (fl *flow) effects() {
	info := fl.f.info
	exit := flowState{}
	var released, may, pub, pubGo uint64
	all := ^uint64(0)
	info.GoSignals = fl.signals
	for _, b := range fl.f.fn.Blocks {
		s := fl.in[b.Index]
		if !s.reached {
			continue
		}
		for _, ins := range b.Instrs {
			if _, ok := ins.(*ssa.Return); ok {
				exit.meet(s)
				released |= s.released &^ s.must &^ s.may
				all &= s.released &^ s.must &^ s.may
				may |= s.may
				pubGo |= s.pubGo // what is joined before the return is not shared after it
			}
			fl.step(&s, ins)
		}
		if s.spawned {
			info.Spawns = true
		}
		pub |= s.pub
	}
	for i, path := range fl.lockAt {
		if r := root(path); r[0] != 'p' && r[0] != 'f' && r[0] != 'g' {
			continue
		}
		w, r := uint64(1)<<(2*i), uint64(2)<<(2*i)
		relocked := exit.relocked&(w|r) != 0
		switch {
		case !exit.reached:
		case released&(w|r) != 0 && all&(w|r) != 0:
			info.Release = append(info.Release, path)
		case released&(w|r) != 0:
			info.MayRelease = append(info.MayRelease, path)
		case relocked:
		case exit.must&w != 0:
			info.Acquire = append(info.Acquire, LockRef{path, false})
		case exit.must&r != 0:
			info.Acquire = append(info.Acquire, LockRef{path, true})
		case may&(w|r) != 0:
			info.MayAcquire = append(info.MayAcquire, LockRef{path, may&w == 0})
		}
	}
	flag := func(n int, kind string, pub uint64) []bool {
		var out []bool
		for i := range n {
			g, ok := fl.group[kind+itoa(i)]
			hit := ok && pub&fl.bit(g) != 0
			if hit && out == nil {
				out = make([]bool, n)
			}
			if hit {
				out[i] = true
			}
		}
		return out
	}
	info.Ends = fl.ends()
	if exit.reached {
		for _, k := range fl.awaited(exit) {
			if !strings.Contains(k, ":") || strings.HasPrefix(k, "g:") {
				info.Awaits = append(info.Awaits, k) // of a field or variable that callers know
			}
		}
	}
	info.Joins = exit.reached && exit.joined
	info.Receives = exit.reached && exit.received && joins(fl.f.fn.Name())
	info.Publishes = flag(len(fl.f.fn.Params), "p", pub)
	info.FreePublishes = flag(len(fl.f.fn.FreeVars), "f", pub)
	info.GoPublishes = flag(len(fl.f.fn.Params), "p", pubGo)
	info.FreeGoPublishes = flag(len(fl.f.fn.FreeVars), "f", pubGo)
}
