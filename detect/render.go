// This file words findings and spells out the ways to their accesses.

package detect

import (
	"fmt"
	"go/token"
	"slices"
	"sort"
	"strings"
)

// finding renders a verdict.
func (j *judgement) finding(v *verdict) Finding {
	f := Finding{Category: v.cat, Confidence: v.conf, Doubt: j.doubt(v)}
	a, b := j.access(&use{acc: v.a.acc, at: v.a.at, inner: v.a.inner, live: []*occurrence{v.a}}, v.a),
		j.access(&use{acc: v.b.acc, at: v.b.at, inner: v.b.inner, live: []*occurrence{v.b}}, v.b)
	f.Accesses = []Access{a, b}
	f.Message = j.message(v, a, b)
	return f
}

var verbs = map[Op]string{Read: "reads", Write: "writes", Update: "updates", Delete: "deletes from", Range: "ranges over", Len: "takes the length of", Clear: "clears", Replace: "replaces", Escape: "hands out"}
var nouns = map[Op]string{Read: "read", Write: "write", Update: "update", Delete: "delete", Range: "range", Len: "len", Clear: "clear", Replace: "replacement", Escape: "escape"}

func (j *judgement) message(v *verdict, a, b Access) string {
	if v.cat == Element {
		return j.elementMessage(v, a, b)
	}
	what := "it"
	if v.a.inner {
		what = "a row of it"
	}
	guard := j.guardName()
	under := "without a lock"
	if len(b.Locks) > 0 {
		under = "under " + b.Locks[0].Name
		for _, l := range b.Locks {
			if l.Name == guard {
				under = "under " + guard
			}
		}
	}
	other := fmt.Sprintf("%s %s %s %s%s", b.Func, verbs[b.Op], what, under, fromSecond)
	if a.Pos == b.Pos {
		other = "another goroutine can do the same at the same time"
	}
	counted := fmt.Sprintf("which %d of %d accesses hold", j.held, j.total)
	if j.asserted != nil {
		counted = "which its declaration asks for"
	}
	name := short(j.decl.Key)
	if j.decl.Kind == Local {
		name = j.decl.Name
	}
	switch v.cat {
	case ReadLockWrite:
		return fmt.Sprintf("%s of %s under a read lock of %s in %s%s; %s", nouns[a.Op], name, guard, a.Func, fromFirst, other)
	case EscapeCat:
		if v.a.acc.Sent {
			return fmt.Sprintf("%s sends %s itself through a channel, although %s guards it (%d of %d accesses): whoever receives it uses it without the lock while %s", a.Func, name, guard, j.held, j.total, other)
		}
		if v.a.acc.Return && j.held == 0 {
			return fmt.Sprintf("%s returns %s itself: callers use it without a lock while %s", a.Func, name, other)
		}
		if v.a.acc.Return && v.a.acc.Op == Escape {
			return fmt.Sprintf("%s returns %s itself, although %s guards it (%d of %d accesses): callers use it without the lock while %s", a.Func, name, guard, j.held, j.total, other)
		}
		return fmt.Sprintf("%s of %s in %s%s after %s was released, under which the map was fetched; %s", nouns[a.Op], name, a.Func, fromFirst, guard, other)
	case Unguarded:
		how := "without a lock"
		if len(a.Locks) > 0 && a.Locks[0].Idle {
			how = "under " + a.Locks[0].Name + " only"
		}
		return fmt.Sprintf("%s of %s %s in %s%s; %s", nouns[a.Op], name, how, a.Func, fromFirst, other)
	case WrongLock:
		return fmt.Sprintf("%s of %s in %s%s holds %s but not %s, %s; %s", nouns[a.Op], name, a.Func, fromFirst, lockNames(a), guard, counted, other)
	case InnerCat:
		if guard == "" {
			return fmt.Sprintf("%s of a row of %s without a lock in %s%s; %s", nouns[a.Op], name, a.Func, fromFirst, other)
		}
		return fmt.Sprintf("%s of a row of %s without %s in %s%s, %s; %s", nouns[a.Op], name, guard, a.Func, fromFirst, counted, other)
	case CheckThenAct:
		if v.a.acc.Step.Kind == stepUpdate {
			return fmt.Sprintf("%s of %s in %s%s stores what it computed from a value read in an earlier critical section of %s: a change in between is lost; %s", nouns[a.Op], name, a.Func, fromFirst, short(j.lockKey(v.a.acc.Step.Lock)), other)
		}
		return fmt.Sprintf("%s of %s in %s%s relies on a check made in an earlier critical section of %s, and does not look again; %s", nouns[a.Op], name, a.Func, fromFirst, short(j.lockKey(v.a.acc.Step.Lock)), other)
	case Replaced:
		return fmt.Sprintf("the variable %s itself is replaced: %s of it in %s%s, while %s", name, nouns[a.Op], a.Func, fromFirst, other)
	}
	return fmt.Sprintf("%s of %s without %s in %s%s, %s; %s", nouns[a.Op], name, guard, a.Func, fromFirst, counted, other)
}

func lockNames(a Access) string {
	var out []string
	for _, l := range a.Locks {
		out = append(out, l.Name)
	}
	if len(out) == 0 {
		return "another lock"
	}
	return strings.Join(out, ", ")
}

// access renders a use; with only set, in that one way of reaching it.
func (j *judgement) access(u *use, only *occurrence) Access {
	a := Access{
		Op: u.acc.Op, Pos: j.place(u.at, u.acc.Pos), Func: u.at.info.Name, Inner: u.inner,
		Test: u.at.info.Test, LoopDepth: int(u.acc.Loop), Owned: len(u.live) == 0 && len(u.owned) > 0,
	}
	names := map[string]bool{}
	for _, o := range u.live {
		j.eachCtx(o, func(c *runContext) bool {
			names[c.name] = true
			return len(names) < 8
		})
	}
	for n := range names {
		a.Contexts = append(a.Contexts, n)
	}
	sort.Strings(a.Contexts)
	a.Bare = j.bare(u)
	a.Odd = j.lacking[u.acc]
	if !a.Bare && only == nil && a.Odd != "" {
		a.Bares = j.bareCalls(u)
	}
	a.Locked = len(u.live) > 0
	for i, o := range u.live {
		here := map[Lock]bool{}
		for _, r := range o.held {
			k := j.lockKey(r.Path)
			if unnamed(k) || otherInstance(r.Path, o.path) {
				continue
			}
			l := Lock{Name: short(k), Read: r.Read}
			switch {
			case strings.HasPrefix(k, "local:"):
				l.Name = "a local lock"
			case ofOneKey(r.Path, o.path):
				l.Name, l.Idle = "one of "+l.Name, true
			default:
				l.Idle = strings.HasSuffix(k, copiedLock)
			}
			here[l] = true
		}
		exclusive := false
		for l := range here {
			exclusive = exclusive || !l.Read && !l.Idle
		}
		a.Locked = a.Locked && exclusive
		if i == 0 {
			for l := range here {
				a.Locks = append(a.Locks, l)
			}
			continue
		}
		var both []Lock
		for _, l := range a.Locks {
			switch {
			case here[l]:
				both = append(both, l)
			case here[Lock{l.Name, !l.Read, l.Idle}]:
				both = append(both, Lock{l.Name, true, l.Idle})
			}
		}
		a.Locks = both
	}
	sort.Slice(a.Locks, func(x, y int) bool {
		return a.Locks[x].Name < a.Locks[y].Name || a.Locks[x].Name == a.Locks[y].Name && !a.Locks[x].Read
	})
	if len(u.live) > 0 {
		o := only
		if o == nil {
			o = u.live[0]
		}
		a.Path = j.way(o, a)
	}
	return a
}

// bare reports whether no way of reaching a use holds the guard, or may. Ways that the walk did
// not follow to their end may hold anything.
func (j *judgement) bare(u *use) bool {
	return j.guard != "" && !slices.ContainsFunc(slices.Concat(u.live, u.owned), func(o *occurrence) bool {
		return o.ctx == nil && !o.owned || j.someGuard(o)
	})
}

// someGuard reports whether an occurrence holds the guard, or may, be it that of another object:
// to take both puts the two in an order.
func (j *judgement) someGuard(o *occurrence) bool {
	return j.evidenceFor(o, o.held, o.may, j.guard) > notHeld ||
		slices.ContainsFunc(o.held, func(r LockRef) bool { return j.lockKey(r.Path) == j.guard }) ||
		slices.ContainsFunc(o.may, func(path string) bool { return j.lockKey(path) == j.guard })
}

// bareCalls returns the calls of a use's function that reach it without the guard, nil if one
// cannot be told from those that hold it.
func (j *judgement) bareCalls(u *use) []token.Position {
	type site struct {
		at  *node
		pos Pos
	}
	bare, held := map[site]bool{}, map[site]bool{}
	for _, o := range slices.Concat(u.live, u.owned) {
		var call *link
		for c := o.chain; c != nil && c.up != nil; c = c.up {
			call = c
		}
		without := !j.someGuard(o)
		switch {
		case o.ctx == nil && !o.owned:
			return nil
		case call == nil || call.call == nil || call.call.Dyn != "":
			if without && !o.owned {
				return nil
			}
		case without && !o.owned:
			bare[site{call.at, call.call.Pos}] = true
		case !without:
			held[site{call.at, call.call.Pos}] = true
		}
	}
	var out []token.Position
	for s := range bare {
		if held[s] {
			return nil
		}
		out = append(out, j.place(s.at, s.pos))
	}
	sort.Slice(out, func(x, y int) bool {
		a, b := out[x], out[y]
		return a.Filename < b.Filename || a.Filename == b.Filename && a.Offset < b.Offset
	})
	return out
}

// way spells out the way from the context's root to the access.
func (j *judgement) way(o *occurrence, a Access) []Step {
	var out []Step
	var chain []*link
	for c := o.chain; c != nil; c = c.up {
		chain = append(chain, c)
	}
	for i, c := range chain {
		if c.call == nil {
			continue
		}
		at := j.place(c.at, c.call.Pos)
		callee := "a function value"
		if i+1 < len(chain) {
			callee = chain[i+1].at.info.Name
		}
		switch {
		case i == 0 && o.spawner != nil:
			note := fmt.Sprintf("%s starts %s in a goroutine", c.at.info.Name, callee)
			if o.ctx != nil && o.ctx.kind == "http handler" {
				note = fmt.Sprintf("%s registers %s as an HTTP handler", c.at.info.Name, callee)
			}
			if o.ctx != nil && o.ctx.multi && o.ctx.kind == "go" {
				note += ", in a loop"
			}
			out = append(out, Step{at, note})
		default:
			out = append(out, Step{at, fmt.Sprintf("%s calls %s", c.at.info.Name, callee)})
		}
	}
	if o.spawner == nil && o.ctx != nil && len(chain) > 0 {
		root := chain[0].at
		if root.info.Pos.valid() {
			out = append([]Step{{j.place(root, root.info.Pos), o.ctx.name}}, out...)
		}
	}
	if st := o.acc.Step; st != nil {
		out = append(out, Step{j.place(o.at, st.Pos), fmt.Sprintf("%s looks the key up here, then gives %s back", o.at.info.Name, short(j.lockKey(st.Lock)))})
	}
	if o.aliased && o.acc.LoadP.valid() {
		out = append(out, Step{j.place(o.at, o.acc.LoadP), "the map is fetched from its variable here"})
	}
	locks := "without a lock"
	if len(a.Locks) > 0 {
		locks = "under " + lockNames(a)
	}
	what := short(j.decl.Key)
	if o.inner {
		what = "a row of " + what
	}
	if o.field != "" {
		what = short(o.field) + " of an element of " + what
	}
	return append(out, Step{a.Pos, fmt.Sprintf("%s %s %s %s", o.at.info.Name, verbs[a.Op], what, locks)})
}
