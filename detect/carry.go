// This file carries locks from callee to caller. Thousands of walks lead over the same edges
// with the same few locks, so what an edge makes of them is worked out once.

package detect

import (
	"encoding/binary"
	"slices"
	"strings"
)

// A carried is what a walk knows of locks in the frame where it is. Equal ones are one, so
// that pointers can be compared, and none is ever changed.
type carried struct {
	must, load []LockRef // held; held when the map value was read elsewhere
	may        []string
	released   []string
	before     []string // of released: before the map value was read
	away       bool     // it was read elsewhere
	id         int      // of must: the same for equal lists
	last       string   // what the locks of must are called, see walk
	over       map[*edge]*carried
}

// carry returns the one carried with these contents.
func (l *linker) carry(c carried) *carried {
	key := l.refs(l.scratch[:0], c.must)
	must := len(key)
	key = l.refs(key, c.load)
	key = l.names(key, c.may)
	key = l.names(key, c.released)
	key = l.names(key, c.before)
	if c.away {
		key = append(key, 1)
	}
	l.scratch = key
	if have := l.carries[string(key)]; have != nil {
		return have
	}
	id, ok := l.lockSets[string(key[:must])]
	if !ok {
		id = len(l.lockSets)
		l.lockSets[string(key[:must])] = id
	}
	c.id = id
	for _, r := range c.must {
		c.last += lastSelector(r.Path) + ";"
	}
	l.carries[string(key)] = &c
	return &c
}

// refs and names append a list to a key of l.carries: its length, then a number for each.
func (l *linker) refs(key []byte, list []LockRef) []byte {
	key = binary.AppendUvarint(key, uint64(len(list)))
	for _, r := range list {
		n := l.numberOf(r.Path) << 1
		if r.Read {
			n |= 1
		}
		key = binary.AppendUvarint(key, n)
	}
	return key
}

func (l *linker) names(key []byte, list []string) []byte {
	key = binary.AppendUvarint(key, uint64(len(list)))
	for _, p := range list {
		key = binary.AppendUvarint(key, l.numberOf(p))
	}
	return key
}

func (l *linker) numberOf(path string) uint64 {
	n, ok := l.numbers[path]
	if !ok {
		n = uint64(len(l.numbers))
		l.numbers[path] = n
	}
	return n
}

// carryUp returns what the locks of callee n are in the caller of edge e: the caller's count,
// too (rule L3), but not beyond a go statement (rule L4).
func (l *linker) carryUp(n *node, e *edge, c *carried) *carried {
	if up := c.over[e]; up != nil {
		return up
	}
	up := l.carry(l.carryOnce(n, e, c))
	if c.over == nil {
		c.over = map[*edge]*carried{}
	}
	c.over[e] = up
	return up
}

func (l *linker) carryOnce(n *node, e *edge, c *carried) carried {
	move := func(in []LockRef) []LockRef {
		if len(in) == 0 {
			return nil
		}
		out := make([]LockRef, 0, len(in))
		for _, m := range in {
			p := l.liftLock(n, e, m.Path)
			out = append(out, LockRef{p, m.Read})
		}
		return sortedRefs(out)
	}
	t := carried{must: move(c.must), load: move(c.load), away: c.away}
	for _, m := range c.may {
		p := l.liftLock(n, e, m)
		t.may = append(t.may, p)
	}
	if e.kind == edgeGo {
		t.may = sortedNames(t.may)
		return t
	}
	released := map[string]bool{}
	for _, r := range c.released {
		p := l.liftLock(n, e, r)
		released[p] = true
		t.released = append(t.released, p)
	}
	for _, r := range c.before {
		t.before = append(t.before, l.liftLock(n, e, r))
	}
	st := e.from.info.States[e.call.State]
	add := func(ref LockRef) {
		ref.Path = l.pin(e.from, ref.Path)
		if c.away && e.kind != edgeMaybe && !slices.Contains(t.before, ref.Path) {
			t.load = append(t.load, ref)
		}
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
	t.load, t.before = sortedRefs(t.load), sortedNames(t.before)
	t.must, t.may, t.released = sortedRefs(t.must), sortedNames(t.may), sortedNames(t.released)
	return t
}

// sortedRefs and sortedNames make of a list a set: what two ways collect in another order, or
// twice, is the same.
func sortedRefs(list []LockRef) []LockRef {
	slices.SortFunc(list, func(a, b LockRef) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 || a.Read == b.Read {
			return c
		}
		if a.Read {
			return 1
		}
		return -1
	})
	return slices.Compact(list)
}

func sortedNames(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
