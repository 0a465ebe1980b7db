// This file finds steps that belong together and are not kept together: a map is checked in
// one critical section and changed, because of what was found, in another.

package detect

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// What an access does with what an earlier critical section found.
const (
	stepCreate = "create" // stores a new object under a key that was absent
	stepUpdate = "update" // stores what was computed from the value that was read
	stepDrop   = "drop"   // deletes what was found empty
	stepOther  = "other"  // repeats what anyone would do: fills a cache, deletes what is old
)

// A StepInfo is the check on which an access depends (rule A1).
type StepInfo struct {
	Kind string
	Pos  Pos    // of the check
	Lock string // held at both, and given back between
}

// A HelperInfo is a critical section of its own: a function that takes a lock, looks one key
// up or changes it, and gives the lock back. Params are counted with the receiver.
type HelperInfo struct {
	Op   Op // Read, Write, Delete
	Path string
	Key  int // the parameter that is the key
	Val  int // the parameter that is stored, -1 none
	Lock string
}

// A section is one access of a map that holds a lock: of this function, or of a helper
// that it calls.
type section struct {
	at       ssa.Instruction
	path     string
	key, val ssa.Value
	found    ssa.Value // what a lookup yields: the lookup, or the helper's call
	op       Op
	lock     string // of a helper, in this frame
	must     uint64 // held around
}

// steps records the changes of a map that depend on a lookup of the same key in an earlier
// critical section of the same lock, and do not look again.
//
//	s.mu.RLock()
//	c, ok := s.conns[id]
//	s.mu.RUnlock()
//	if !ok {
//		c = dial(id)
//		s.mu.Lock()
//		s.conns[id] = c // another goroutine may have stored one meanwhile
//		s.mu.Unlock()
//	}
//
// Functions called may be the critical sections, too: n := q.usage(k); q.setUsage(k, n+1).
func (e *emitter) steps() {
	var looks, acts []section
	frees := e.unlocks()
	for _, b := range e.fn.Blocks {
		for _, ins := range b.Instrs {
			for _, s := range e.sections(ins) {
				if s.op == Read {
					looks = append(looks, s)
				} else {
					acts = append(acts, s)
				}
			}
		}
	}
	e.helpers(looks, acts)
	for _, act := range acts {
		if st := e.stepOf(act, looks, frees); st != nil {
			s, _ := e.stateAt(act.at)
			a := e.newAccess(act.op, act.path, root(act.path), e.posOf(act.at), s)
			a.Loop, a.Step = e.loops[act.at.Block().Index], st
			e.info.Steps = append(e.info.Steps, a)
		}
	}
}

// sections lists the map accesses that an instruction makes, itself or in a helper.
func (e *emitter) sections(ins ssa.Instruction) []section {
	// Most instructions are none; asking for the state of each costs the block's square.
	switch x := ins.(type) {
	case *ssa.Lookup, *ssa.MapUpdate:
	case *ssa.Call:
		if _, ok := x.Call.Value.(*ssa.Builtin); !ok {
			if info, _ := e.callee(&x.Call); info == nil || len(info.Helpers) == 0 {
				return nil
			}
		}
	default:
		return nil
	}
	s, ok := e.stateAt(ins)
	if !ok {
		return nil
	}
	one := func(m, key, val, found ssa.Value, op Op) []section {
		path := e.path(m)
		if path == "nil" || e.flow.fresh(root(path)) || s.must == 0 {
			return nil
		}
		return []section{{at: ins, path: path, key: key, val: val, found: found, op: op, must: s.must}}
	}
	switch ins := ins.(type) {
	case *ssa.Lookup:
		if isMap(ins.X.Type()) {
			return one(ins.X, ins.Index, nil, ins, Read)
		}
	case *ssa.MapUpdate:
		return one(ins.Map, ins.Key, ins.Value, nil, Write)
	case *ssa.Call:
		if b, ok := ins.Call.Value.(*ssa.Builtin); ok {
			if b.Name() == "delete" {
				return one(ins.Call.Args[0], ins.Call.Args[1], nil, nil, Delete)
			}
			return nil
		}
		info, paths := e.callee(&ins.Call)
		if info == nil {
			return nil
		}
		_, args := e.static(&ins.Call)
		var out []section
		for _, h := range info.Helpers {
			path, ok1 := substitute(h.Path, paths, nil)
			lock, ok2 := substitute(h.Lock, paths, nil)
			if !ok1 || !ok2 || h.Key >= len(args) || e.flow.fresh(root(path)) {
				continue
			}
			c := section{at: ins, path: path, key: args[h.Key], op: h.Op, lock: lock, must: s.must}
			if h.Op == Read {
				c.found = ins
			}
			if h.Val >= 0 && h.Val < len(args) {
				c.val = args[h.Val]
			}
			out = append(out, c)
		}
		return out
	}
	return nil
}

// helpers notes what this function is to its callers: a critical section of its own that
// looks one key up, or changes it without having looked.
func (e *emitter) helpers(looks, acts []section) {
	param := func(v ssa.Value) int {
		for i, p := range e.fn.Params {
			if ssa.Value(p) == v {
				return i
			}
		}
		return -1
	}
	add := func(s section, looked bool) {
		k := param(s.key)
		if c := root(s.path)[0]; k < 0 || s.lock != "" || looked || c != 'p' && c != 'g' {
			return
		}
		for i, l := range e.flow.lockAt {
			if s.must&(3<<(2*i)) != 0 && (root(l)[0] == 'p' || root(l)[0] == 'g') {
				v := -1
				if s.val != nil {
					v = param(s.val)
				}
				e.info.Helpers = append(e.info.Helpers, HelperInfo{s.op, s.path, k, v, l})
				return
			}
		}
	}
	for _, l := range looks {
		if e.returned(l.found) && len(acts) == 0 {
			add(l, false)
		}
	}
	for _, a := range acts {
		looked := false
		for _, l := range looks {
			looked = looked || l.path == a.path
		}
		add(a, looked)
	}
}

// returned reports whether a result of the function is what a lookup found.
func (e *emitter) returned(found ssa.Value) bool {
	for _, ret := range e.rets {
		for _, v := range ret.Results {
			if derives(v, found, 4) {
				return true
			}
		}
	}
	return false
}

// stepOf finds the check that an act depends on.
func (e *emitter) stepOf(act section, looks []section, frees []ssa.Instruction) *StepInfo {
	var best *StepInfo
	for _, look := range looks {
		if look.path != act.path || !sameKey(look.key, act.key) || !precedes(look.at, act.at) {
			continue
		}
		lock := e.split(look, act, frees)
		if lock == "" || e.checkedAgain(look, act, lock, looks, frees) {
			continue
		}
		if kind := e.dependence(look.found, act); kind != "" && (best == nil || best.Kind == stepOther) {
			best = &StepInfo{Kind: kind, Pos: e.b.pos(e.posOf(look.at)), Lock: lock}
		}
	}
	return best
}

// split returns the lock that two sections hold one after the other, "" when there is none
// or when they are one critical section of some lock.
func (e *emitter) split(look, act section, frees []ssa.Instruction) string {
	lock := ""
	for i, l := range e.flow.lockAt {
		both := uint64(3) << (2 * i)
		lh, ah := look.must&both != 0 || look.lock == l, act.must&both != 0 || act.lock == l
		if !lh || !ah {
			continue
		}
		if look.lock == "" && act.lock == "" && !e.freed(l, look.at, act.at, frees) {
			return "" // held all the while
		}
		if lock == "" {
			lock = l
		}
	}
	if lock == "" && look.lock == act.lock {
		lock = look.lock
	}
	if outer := look.must & act.must; outer != 0 && (look.lock != "" || act.lock != "") {
		for i, l := range e.flow.lockAt {
			if outer&(3<<(2*i)) != 0 && !e.freed(l, look.at, act.at, frees) {
				return ""
			}
		}
	}
	return lock
}

// freed reports whether a lock is always given back between two instructions.
func (e *emitter) freed(lock string, from, to ssa.Instruction, frees []ssa.Instruction) bool {
	for _, u := range frees {
		if _, p := e.lockCall(&u.(*ssa.Call).Call); p == lock && precedes(from, u) && precedes(u, to) {
			return true
		}
	}
	return false
}

// checkedAgain reports whether the act's own critical section looks the key up once more.
func (e *emitter) checkedAgain(look, act section, lock string, looks []section, frees []ssa.Instruction) bool {
	for _, l := range looks {
		if l.at != look.at && l.lock == "" && act.lock == "" && l.path == act.path && sameKey(l.key, act.key) &&
			precedes(look.at, l.at) && precedes(l.at, act.at) && !e.freed(lock, l.at, act.at, frees) {
			return true
		}
	}
	return false
}

// dependence says how an act depends on what was looked up: "" if it does not.
func (e *emitter) dependence(found ssa.Value, act section) string {
	val := act.val
	if val != nil && derives(val, found, 6) {
		if b, ok := val.Type().Underlying().(*types.Basic); ok && b.Info()&(types.IsNumeric|types.IsString) != 0 || isSlice(val.Type()) {
			return stepUpdate
		}
		return ""
	}
	test := decides(found, act.at)
	switch {
	case test == nil:
		return ""
	case act.op == Delete && emptiness(test, 4):
		return stepDrop
	case val != nil && e.flow.fresh(root(e.path(val))) && stateful(val.Type()) && usedElsewhere(val, act.at):
		return stepCreate
	}
	return stepOther
}

// emptiness reports whether a condition compares with zero or nil.
func emptiness(cond ssa.Value, depth int) bool {
	if depth == 0 {
		return false
	}
	switch c := cond.(type) {
	case *ssa.UnOp:
		return c.Op == token.NOT && emptiness(c.X, depth-1)
	case *ssa.BinOp:
		for _, v := range []ssa.Value{c.X, c.Y} {
			if k, ok := v.(*ssa.Const); ok && (k.Value == nil || k.Value.ExactString() == "0") {
				return true
			}
		}
	case *ssa.Phi:
		for _, x := range c.Edges {
			if emptiness(x, depth-1) {
				return true
			}
		}
	}
	return false
}

func isSlice(t types.Type) bool {
	_, ok := t.Underlying().(*types.Slice)
	return ok
}

// stateful reports whether two values of a type can be told apart by what is done to them.
func stateful(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Chan, *types.Interface:
		return true
	}
	return false
}

// usedElsewhere reports whether a value is returned or handed on besides being stored.
func usedElsewhere(v ssa.Value, act ssa.Instruction) bool {
	if mi, ok := v.(*ssa.MakeInterface); ok {
		v = mi.X
	}
	if v.Referrers() == nil {
		return false
	}
	for _, r := range *v.Referrers() {
		switch r := r.(type) {
		case *ssa.Return, *ssa.Go:
			return true
		case *ssa.Phi:
			for _, rr := range *r.Referrers() {
				if _, ok := rr.(*ssa.Return); ok {
					return true
				}
			}
		case *ssa.Call:
			if precedes(act, r) {
				return true
			}
		}
	}
	return false
}

// derives reports whether a value is computed from what a lookup found.
func derives(v, look ssa.Value, depth int) bool {
	if depth == 0 {
		return false
	}
	if v == look {
		return true
	}
	switch v := v.(type) {
	case *ssa.Extract:
		return v.Tuple == look
	case *ssa.BinOp:
		return derives(v.X, look, depth-1) || derives(v.Y, look, depth-1)
	case *ssa.UnOp:
		if al, ok := v.X.(*ssa.Alloc); ok && v.Op == token.MUL {
			// A variable, such as the result of a function with defers.
			for _, r := range *al.Referrers() {
				if st, ok := r.(*ssa.Store); ok && st.Addr == ssa.Value(al) && derives(st.Val, look, depth-1) {
					return true
				}
			}
			return false
		}
		return derives(v.X, look, depth-1)
	case *ssa.Convert:
		return derives(v.X, look, depth-1)
	case *ssa.ChangeType:
		return derives(v.X, look, depth-1)
	case *ssa.Phi:
		for _, x := range v.Edges {
			if derives(x, look, depth-1) {
				return true
			}
		}
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok {
			for _, a := range v.Call.Args {
				if (b.Name() == "append" || b.Name() == "len" || b.Name() == "min" || b.Name() == "max") && derives(a, look, depth-1) {
					return true
				}
			}
		}
	}
	return false
}

// decides returns the test of what a lookup found on one outcome of which, only, an
// instruction runs; nil if there is none.
func decides(look ssa.Value, act ssa.Instruction) ssa.Value {
	for _, b := range act.Parent().Blocks {
		iff, ok := b.Instrs[len(b.Instrs)-1].(*ssa.If)
		if !ok || !b.Dominates(act.Block()) || b == act.Block() || !tests(iff.Cond, look, 6) {
			continue
		}
		for _, s := range b.Succs {
			if len(s.Preds) == 1 && s.Dominates(act.Block()) {
				return iff.Cond
			}
		}
	}
	return nil
}

// tests reports whether a condition is about the lookup's result itself: present or not, nil
// or not, a comparison.
func tests(cond, look ssa.Value, depth int) bool {
	if depth == 0 {
		return false
	}
	switch c := cond.(type) {
	case *ssa.UnOp:
		return c.Op == token.NOT && tests(c.X, look, depth-1)
	case *ssa.Phi:
		for _, x := range c.Edges {
			if tests(x, look, depth-1) {
				return true
			}
		}
	}
	return derives(cond, look, depth)
}
