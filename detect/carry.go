// This file carries locks from callee to caller. Thousands of walks lead over the same edges
// with the same few locks, so what an edge makes of them is worked out once.

package detect

import (
	"sort"
	"strings"
)

// A carried is what a walk knows of locks in the frame where it is. Equal ones are one, so
// that pointers can be compared, and none is ever changed.
type carried struct {
	must, load []LockRef // held; held when the map value was read elsewhere
	may        []string
	released   []string
	id         int    // of must: the same for equal lists
	last       string // what the locks of must are called, see walk
	over       map[*edge]*carried
}

// carry returns the one carried with these contents.
func (l *linker) carry(c carried) *carried {
	var b strings.Builder
	refs := func(list []LockRef) {
		for _, r := range list {
			b.WriteString(r.Path)
			if r.Read {
				b.WriteByte(1)
			}
			b.WriteByte(0)
		}
		b.WriteByte(2)
	}
	refs(c.must)
	must := b.String()
	refs(c.load)
	for _, list := range [][]string{c.may, c.released} {
		for _, p := range list {
			b.WriteString(p)
			b.WriteByte(0)
		}
		b.WriteByte(2)
	}
	if have := l.carries[b.String()]; have != nil {
		return have
	}
	if l.carries == nil {
		l.carries, l.lockSets = map[string]*carried{}, map[string]int{}
	}
	id, ok := l.lockSets[must]
	if !ok {
		id = len(l.lockSets)
		l.lockSets[must] = id
	}
	c.id = id
	for _, r := range c.must {
		c.last += lastSelector(r.Path) + ";"
	}
	l.carries[b.String()] = &c
	return &c
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
		return out
	}
	t := carried{must: move(c.must), load: move(c.load)}
	for _, m := range c.may {
		p := l.liftLock(n, e, m)
		t.may = append(t.may, p)
	}
	if e.kind == edgeGo {
		return t
	}
	released := map[string]bool{}
	for _, r := range c.released {
		p := l.liftLock(n, e, r)
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
