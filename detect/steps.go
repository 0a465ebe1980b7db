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
	stepOther  = "other"  // repeats what anyone would do: fills a cache, deletes what is old
)

// A StepInfo is the check on which an access depends (rule A1).
type StepInfo struct {
	Kind string
	Pos  Pos    // of the check
	Lock string // held at both, and given back between
}

// steps marks the changes of a map that depend on a lookup of the same key in an earlier
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
func (e *emitter) steps() {
	var looks []*ssa.Lookup
	var acts, frees []ssa.Instruction
	for _, b := range e.fn.Blocks {
		for _, ins := range b.Instrs {
			switch ins := ins.(type) {
			case *ssa.Lookup:
				if isMap(ins.X.Type()) {
					looks = append(looks, ins)
				}
			case *ssa.MapUpdate:
				acts = append(acts, ins)
			case *ssa.Call:
				if b, ok := ins.Call.Value.(*ssa.Builtin); ok && b.Name() == "delete" {
					acts = append(acts, ins)
				}
				if op, _ := e.lockCall(&ins.Call); op == opUnlock || op == opRUnlock {
					frees = append(frees, ins)
				}
			}
		}
	}
	if len(frees) == 0 {
		return
	}
	for _, act := range acts {
		if st := e.stepOf(act, looks, frees); st != nil {
			for i := range e.info.Accesses {
				if a := &e.info.Accesses[i]; a.Pos == e.b.pos(e.posOf(act)) && a.Op.Mutates() {
					a.Step = st
				}
			}
		}
	}
}

// stepOf finds the check that an act depends on.
func (e *emitter) stepOf(act ssa.Instruction, looks []*ssa.Lookup, frees []ssa.Instruction) *StepInfo {
	m, key, val := operandsOf(act)
	path := e.path(m)
	as, ok := e.stateAt(act)
	if !ok || path == "nil" || e.flow.fresh(root(path)) {
		return nil
	}
	for _, look := range looks {
		if e.path(look.X) != path || !sameKey(look.Index, key) || !precedes(look, act) {
			continue
		}
		ls, ok := e.stateAt(look)
		if !ok {
			continue
		}
		for i, lock := range e.flow.lockAt {
			w, r := uint64(1)<<(2*i), uint64(2)<<(2*i)
			if as.must&w == 0 || ls.must&(w|r) == 0 {
				continue
			}
			free := e.freed(lock, look, act, frees)
			if free == nil || e.checkedAgain(free, act, path, key, looks) {
				continue
			}
			if kind := e.dependence(look, act, val); kind != "" {
				return &StepInfo{Kind: kind, Pos: e.b.pos(e.posOf(look)), Lock: lock}
			}
		}
	}
	return nil
}

func operandsOf(act ssa.Instruction) (m, key, val ssa.Value) {
	if u, ok := act.(*ssa.MapUpdate); ok {
		return u.Map, u.Key, u.Value
	}
	args := act.(*ssa.Call).Call.Args
	return args[0], args[1], nil
}

// freed returns an unlock of the lock that is always between two instructions, or nil.
func (e *emitter) freed(lock string, from, to ssa.Instruction, frees []ssa.Instruction) ssa.Instruction {
	for _, u := range frees {
		if _, p := e.lockCall(&u.(*ssa.Call).Call); p == lock && precedes(from, u) && precedes(u, to) {
			return u
		}
	}
	return nil
}

// checkedAgain reports whether the act's own critical section looks the key up once more.
func (e *emitter) checkedAgain(free, act ssa.Instruction, path string, key ssa.Value, looks []*ssa.Lookup) bool {
	for _, l := range looks {
		if e.path(l.X) == path && sameKey(l.Index, key) && precedes(free, l) && precedes(l, act) {
			return true
		}
	}
	return false
}

// dependence says how an act depends on what was looked up: "" if it does not.
func (e *emitter) dependence(look *ssa.Lookup, act ssa.Instruction, val ssa.Value) string {
	if val != nil && derives(val, look, 6) {
		if b, ok := val.Type().Underlying().(*types.Basic); ok && b.Info()&(types.IsNumeric|types.IsString) != 0 || isSlice(val.Type()) {
			return stepUpdate
		}
		return ""
	}
	if !decides(look, act) {
		return ""
	}
	if val != nil && e.flow.fresh(root(e.path(val))) && stateful(val.Type()) && usedElsewhere(val, act) {
		return stepCreate
	}
	return stepOther
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
func derives(v ssa.Value, look *ssa.Lookup, depth int) bool {
	if depth == 0 {
		return false
	}
	switch v := v.(type) {
	case *ssa.Lookup:
		return v == look
	case *ssa.Extract:
		return v.Tuple == ssa.Value(look)
	case *ssa.BinOp:
		return derives(v.X, look, depth-1) || derives(v.Y, look, depth-1)
	case *ssa.UnOp:
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

// decides reports whether an instruction runs only on one outcome of a test of what a
// lookup found.
func decides(look *ssa.Lookup, act ssa.Instruction) bool {
	for _, b := range look.Parent().Blocks {
		iff, ok := b.Instrs[len(b.Instrs)-1].(*ssa.If)
		if !ok || !b.Dominates(act.Block()) || b == act.Block() || !tests(iff.Cond, look, 6) {
			continue
		}
		for _, s := range b.Succs {
			if len(s.Preds) == 1 && s.Dominates(act.Block()) {
				return true
			}
		}
	}
	return false
}

// tests reports whether a condition is about the lookup's result itself: present or not, nil
// or not, a comparison.
func tests(cond ssa.Value, look *ssa.Lookup, depth int) bool {
	if depth == 0 {
		return false
	}
	switch c := cond.(type) {
	case *ssa.UnOp:
		if c.Op == token.NOT {
			return tests(c.X, look, depth-1)
		}
	case *ssa.BinOp:
		return derives(c, look, depth-1)
	case *ssa.Extract:
		return c.Tuple == ssa.Value(look)
	case *ssa.Phi:
		for _, x := range c.Edges {
			if tests(x, look, depth-1) {
				return true
			}
		}
	case *ssa.Lookup:
		return c == look
	}
	return false
}
