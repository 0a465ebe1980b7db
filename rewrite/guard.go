// This file asks which lock keeps the steps of a class together.

package rewrite

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// A guard knows which locks the uses of a class hold. Two steps under one lock stay
// one: the lock stays where it is.
//
//	s.mu.Lock()
//	if len(s.m) < limit { s.m[k] = v }   // one step, although stats() reads len(s.m) without s.mu
//	s.mu.Unlock()
//
// Detection may know that a lock is held but not which: that of whoever contains the
// map. A read and a write that are both made under some lock are as good as it gets.
//
// Where detection reports a race of the map, that is not enough: whoever changes the
// map without the lock would come between the steps, and no race detector would tell
// any more. Then all changes must be made under one lock, and only steps under that
// one are one.
//
// What detection says of an access holds for its line: every access of the class
// there must hold the lock. A use that detection has not seen holds nothing.
//
// A lock that each object has, and a map that they all use (GuardApart), is no guard.
//
// Changes that tests make to a map of the program do not count: a test that prepares
// the map without the lock is the only one that runs.
type guard struct {
	c    *class
	lock string                      // "" for none
	at   map[lineKey][]detect.Access // the accesses of the class
}

type lineKey struct {
	file string
	line int
}

// someLock stands for a lock that has another name on each way to an access.
const someLock = "some lock"

// guarding returns the guard of a complete class; its lock is "" if there is none.
func (c *class) guarding() *guard {
	if c.guard == nil {
		g := &guard{c: c, at: map[lineKey][]detect.Access{}}
		for _, v := range c.verdicts(c.ix.maps) {
			for _, a := range v.Accesses {
				k := lineKey{a.Pos.Filename, a.Pos.Line}
				g.at[k] = append(g.at[k], a)
			}
		}
		g.lock = g.find()
		c.guard = g
	}
	return c.guard
}

// find returns the lock that all changes are made under, the most usual one first.
func (g *guard) find() string {
	if g.apart() {
		return ""
	}
	var candidates []string
	for _, v := range g.c.verdicts(g.c.ix.maps) {
		if v.Guard != "" && !slices.Contains(candidates, v.Guard) {
			candidates = append(candidates, v.Guard)
		}
	}
	for _, lock := range candidates {
		if g.all(lock, func(r *rec) bool { return r.kind.writes() }) {
			return lock
		}
	}
	return ""
}

func (g *guard) apart() bool {
	return slices.ContainsFunc(g.c.verdicts(g.c.ix.maps), func(v *detect.Map) bool { return v.GuardApart })
}

// all reports whether the uses that count, and which of selects, hold a lock.
func (g *guard) all(lock string, of func(*rec) bool) bool {
	return !slices.ContainsFunc(g.c.recs, func(r *rec) bool {
		return of(r) && !g.exempt(r) && !g.underLock(r, lock, r.kind.writes())
	})
}

// exempt reports whether a use is a test's of a map that is not.
func (g *guard) exempt(r *rec) bool {
	return strings.HasSuffix(r.fi.abs, "_test.go") && g.exemptTests()
}

// exemptTests reports whether the class is of the program, not of its tests.
func (g *guard) exemptTests() bool {
	return !slices.ContainsFunc(g.c.order, func(m *member) bool {
		return (m.kind == packageVar || m.kind == structField) && strings.HasSuffix(m.fi.abs, "_test.go")
	})
}

// locksOf returns the locks under which a use is a step that others can follow.
func (g *guard) locksOf(r *rec) []string {
	candidates := []string{g.lock}
	if g.lock == "" {
		if g.c.loud() || g.apart() {
			return nil
		}
		candidates = g.names()
	}
	if g.lock == "" {
		candidates = append(candidates, someLock)
	}
	return slices.DeleteFunc(candidates, func(lock string) bool {
		return lock == "" || !g.underLock(r, lock, r.kind.writes())
	})
}

// readLock returns the lock that keeps a read together with what is done next under
// it, "" if there is none.
func (g *guard) readLock(r *rec) string {
	under := g.locksOf(r)
	switch {
	case len(under) == 0:
		return ""
	case slices.Contains(under, someLock): // includes every named one that is held for writing
		return someLock
	}
	return under[0]
}

// readLocks returns the locks of the reads of a class; "" stands for those without.
func (g *guard) readLocks() []string {
	locks := []string{""}
	for _, r := range g.c.recs {
		if !r.kind.writes() {
			locks = append(locks, g.readLock(r))
		}
	}
	slices.Sort(locks)
	return slices.Compact(locks)
}

// names returns the locks that some access of the class holds.
func (g *guard) names() (names []string) {
	for _, list := range g.at {
		for _, a := range list {
			for _, l := range a.Locks {
				names = append(names, l.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// underLock reports whether a use holds a lock, for writing if write is set, or is made
// while the map is not shared.
func (g *guard) underLock(r *rec, lock string, write bool) bool {
	if r.kind == useMake || r.kind == useLiteral || r.kind == useFresh {
		return true // a map that nobody has yet
	}
	accesses := g.at[g.line(r)]
	if len(accesses) == 0 {
		return false
	}
	return !slices.ContainsFunc(accesses, func(a detect.Access) bool {
		if lock == someLock && a.Locked {
			return false
		}
		if a.Owned || len(a.Contexts) == 1 && a.Contexts[0] == "init" {
			return false
		}
		return !slices.ContainsFunc(a.Locks, func(l detect.Lock) bool { return l.Name == lock && !(write && l.Read) })
	})
}

func (g *guard) line(r *rec) lineKey {
	n := r.node
	if r.base != nil {
		n = ast.Node(r.base)
	}
	p := g.c.ix.prog.Fset.PositionFor(n.Pos(), false)
	return lineKey{p.Filename, p.Line}
}

// together reports whether a read and a write that follows are one step as before,
// or nobody's concern.
func (g *guard) together(read, write *rec) bool {
	if g.exempt(write) {
		return true
	}
	under := g.locksOf(write)
	return slices.ContainsFunc(g.locksOf(read), func(lock string) bool { return slices.Contains(under, lock) })
}

// usual returns the lock that an assignment of the variable itself is made under, if
// it is that of most uses and detection reports no race of the map; else "". The
// pointer is then as safe as the map was.
func (g *guard) usual(r *rec) string {
	if g.c.loud() || g.apart() {
		return ""
	}
	for _, v := range g.c.verdicts(g.c.ix.maps) {
		if v.Guard != "" && 2*v.GuardHeld >= v.GuardTotal && g.underLock(r, v.Guard, true) {
			return v.Guard
		}
	}
	return ""
}

// hops returns over how many calls a read and a write can be meant as one step.
func (g *guard) hops() int {
	if g.lock != "" {
		return 1 // each change is in a critical section of its own
	}
	return 3
}
