// This file defines what advice is, and asks whether swapping the map helps.

package advise

import (
	"fmt"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// The strategies: the target form of a map. Auto lets Choose decide. Guard keeps the map and
// takes its lock where that is missed; Mutex gives it a lock.
const (
	Auto     = "auto"
	Guard    = "guard"
	Mutex    = "mutex"
	Provider = "provider"
	Sharded  = "sharded"
	SyncMap  = "syncmap"
	Locked   = "locked"
)

// Strategies lists what --strategy accepts.
func Strategies() []string { return []string{Auto, Guard, Mutex, Provider, Sharded, SyncMap, Locked} }

// KeepsType reports whether a strategy leaves the map's type alone, and changes only its locks.
func KeepsType(strategy string) bool { return strategy == Guard || strategy == Mutex }

// Options are the circumstances that one map alone does not show.
type Options struct {
	Strategy string // one of Strategies; "" is Auto
	// Force swaps maps for which a swap would not help (--scope=all).
	Force bool
	// Dir is the module root: positions in texts are relative to it.
	Dir string
	// Maps are all maps of the module, for what else a guard guards.
	Maps []*detect.Map
}

// Advice is the form a map should become and why. Strategy is set even when there
// are refusals: it is the form to use if they are overridden.
type Advice struct {
	Strategy string
	Reason   string
	Rejected []Alternative
	Refusals []Refusal
	// Otherwise is set where auto chooses Guard: the advice to fall back to where the lock
	// cannot be taken. Its refusals say which access misses it.
	Otherwise *Advice
}

// An Alternative is a form that was not chosen, and the reason in one line.
type Alternative struct {
	Name, Reason string
}

// A Refusal says why swapping the map would not help and what would. Its class is
// always unhelpful.
type Refusal struct {
	Code    string
	Message string
	Remedy  string
	Pos     token.Position
}

// Choose returns the advice for one map. The result depends only on its arguments.
func Choose(m *detect.Map, opts Options) Advice {
	advice := choose(m)
	if opts.Strategy != "" && opts.Strategy != Auto {
		return override(advice, opts.Strategy)
	}
	if !opts.Force {
		r := unhelpful(m, opts)
		advice.Refusals = r.refusals
		if r.lacking && r.meant() {
			return takeGuard(m, advice)
		}
	}
	return advice
}

// meant reports whether the guard is evidently meant for the map: at least half of the accesses
// hold it, or some that change the map do. What only looks at a map under a lock may do so by chance.
func (r *refuser) meant() bool {
	return 2*r.m.GuardHeld >= r.m.GuardTotal || slices.ContainsFunc(r.m.Accesses, func(a detect.Access) bool {
		return a.Op.Mutates() && !a.Owned && !a.Test && r.holds(a)
	})
}

// takeGuard returns the advice to take the lock, otherwise the one given.
func takeGuard(m *detect.Map, otherwise Advice) Advice {
	cure := "the others take it, too"
	if slices.ContainsFunc(m.Findings, func(f detect.Finding) bool { return f.Category == detect.EscapeCat }) {
		cure = "what is used without it takes it, too, or is a copy"
	}
	return Advice{
		Strategy: Guard,
		Reason:   fmt.Sprintf("%d of %d accesses hold %s: %s", m.GuardHeld, m.GuardTotal, m.Guard, cure),
		Rejected: append([]Alternative{{otherwise.Strategy, "the map has a lock, and another form would leave two kinds of guarding side by side"}}, otherwise.Rejected...),

		Otherwise: &otherwise,
	}
}

// override replaces the chosen form by the one asked for, and keeps what was known.
func override(a Advice, strategy string) Advice {
	if a.Strategy == strategy {
		a.Reason = "asked for; auto agrees: " + a.Reason
		return a
	}
	out := Advice{Strategy: strategy, Reason: "asked for"}
	for _, r := range a.Rejected {
		if r.Name == strategy {
			out.Reason += "; auto would not: " + r.Reason
			continue
		}
		out.Rejected = append(out.Rejected, r)
	}
	auto := Alternative{a.Strategy, "what auto would choose: " + a.Reason}
	out.Rejected = append([]Alternative{auto}, out.Rejected...)
	return out
}

// unhelpful returns why swapping m would not cure what was found, if so.
func unhelpful(m *detect.Map, opts Options) *refuser {
	r := &refuser{m: m, opts: opts}
	loud, beyond := false, false // beyond: a finding that is not about elements
	for _, f := range m.Findings {
		loud = loud || !f.Category.Quiet()
		beyond = beyond || !f.Category.Quiet() && f.Category != detect.Element
	}
	switch {
	case !loud && m.Guard != "":
		r.add("already-guarded", m.Pos,
			fmt.Sprintf("every access of %s that can race holds %s", m.Name, m.Guard),
			"nothing to do; name a strategy to swap the map all the same")
	case !loud && !m.Shared:
		r.add("nothing-shared", m.Pos,
			fmt.Sprintf("nothing shows that two goroutines use %s at once", m.Name),
			"nothing to do; name a strategy to swap the map all the same")
	case !loud:
		r.add("nothing-shared", m.Pos,
			fmt.Sprintf("goroutines share %s, but no two accesses of it can overlap with one writing", m.Name),
			"nothing to do; name a strategy to swap the map all the same")
	}
	for _, f := range m.Findings {
		if f.Category == detect.Element && !beyond {
			r.element(f)
		}
		r.finding(f)
	}
	r.lacking = len(r.refusals) > 0 && !r.otherwise
	return r
}

// A refuser collects the refusals of one map.
type refuser struct {
	m         *detect.Map
	opts      Options
	refusals  []Refusal
	lacking   bool // the lock at some accesses is all that is missing
	otherwise bool // there is a refusal for which taking the lock is not the cure
}

// add adds a refusal that has another cure than taking the lock at an access.
func (r *refuser) add(code string, pos token.Position, message, remedy string) {
	r.otherwise = true
	r.lacks(code, pos, message, remedy)
}

// lacks adds a refusal.
func (r *refuser) lacks(code string, pos token.Position, message, remedy string) {
	for _, have := range r.refusals {
		if have.Code == code && have.Pos == pos {
			return
		}
	}
	r.refusals = append(r.refusals, Refusal{Code: code, Message: message, Remedy: remedy, Pos: pos})
}

func (r *refuser) finding(f detect.Finding) {
	guarded := r.m.Guard != ""
	switch f.Category {
	case detect.Partial, detect.WrongLock, detect.ReadLockWrite, detect.Iteration, detect.Replaced, detect.Unguarded:
		if guarded && !r.m.Nested {
			r.takeLock(f)
		} else if guarded {
			r.lockSpansFields(f)
		}
	case detect.CheckThenAct:
		if guarded {
			r.holdLock(f)
		}
	case detect.EscapeCat:
		if guarded {
			r.boundaryCopy(f)
		}
	case detect.InnerCat:
		if guarded {
			r.lockSpansFields(f)
		}
	}
}

// takeLock refuses because a lock exists: one refusal for each access that misses it.
func (r *refuser) takeLock(f detect.Finding) {
	misses := filter(f.Accesses, func(a detect.Access) bool { return !a.Owned && !r.holds(a) })
	if len(misses) == 0 && len(f.Accesses) > 0 {
		misses = f.Accesses[:1] // a lock of the same name on another object
	}
	for _, a := range misses {
		r.lacks("take-lock", a.Pos,
			fmt.Sprintf("%s has a lock: %d of %d accesses hold %s, but the %s in %s at %s holds %s%s",
				r.m.Name, r.m.GuardHeld, r.m.GuardTotal, r.m.Guard, a.Op, a.Func, r.at(a.Pos), locks(a), r.alsoGuards()),
			fmt.Sprintf("in %s, call %s.%s() before the %s at %s and %s() after it; or swap the map with --strategy=%s",
				a.Func, r.m.Guard, r.lockMethod(a), a.Op, r.at(a.Pos), strings.Replace(r.lockMethod(a), "Lock", "Unlock", 1), Sharded))
	}
}

// holdLock refuses because the lock is there, but let go between two steps.
func (r *refuser) holdLock(f detect.Finding) {
	if len(f.Accesses) == 0 {
		return
	}
	first, last := f.Accesses[0], f.Accesses[len(f.Accesses)-1]
	r.add("take-lock", first.Pos,
		fmt.Sprintf("%s has a lock, %s, that is let go between the %s at %s and the %s at %s: another goroutine can come in between%s",
			r.m.Name, r.m.Guard, first.Op, r.at(first.Pos), last.Op, r.at(last.Pos), r.alsoGuards()),
		fmt.Sprintf("in %s, hold %s from %s to %s; or swap the map with --strategy=%s",
			first.Func, r.m.Guard, r.at(first.Pos), r.at(last.Pos), Sharded))
}

// boundaryCopy refuses because the map itself leaves the lock's protection.
func (r *refuser) boundaryCopy(f detect.Finding) {
	leaves := f.Accesses[:min(1, len(f.Accesses))]
	if escapes := filter(f.Accesses, func(a detect.Access) bool { return a.Op == detect.Escape }); len(escapes) > 0 {
		leaves = escapes
	}
	for _, a := range leaves {
		r.lacks("boundary-copy", a.Pos,
			fmt.Sprintf("%s is guarded by %s, but %s hands the map itself out at %s, to code that does not hold the lock%s",
				r.m.Name, r.m.Guard, a.Func, r.at(a.Pos), r.alsoGuards()),
			fmt.Sprintf("in %s, hand out maps.Clone of the map at %s while %s is held; or swap the map with --strategy=%s",
				a.Func, r.at(a.Pos), r.m.Guard, Sharded))
	}
}

// lockSpansFields refuses a nested map only if its lock keeps other maps in step with
// it: for a nested map alone, the swap is the cure.
func (r *refuser) lockSpansFields(f detect.Finding) {
	others := r.guardedWith()
	if len(others) == 0 {
		return
	}
	for _, a := range f.Accesses {
		if a.Owned || r.holds(a) {
			continue
		}
		r.lacks("lock-spans-fields", a.Pos,
			fmt.Sprintf("%s guards %s together with %s: the %s in %s at %s misses it, and a new form of one map would not keep them in step",
				r.m.Guard, r.m.Name, strings.Join(others, ", "), a.Op, a.Func, r.at(a.Pos)),
			fmt.Sprintf("in %s, hold %s around the %s at %s; or swap the map alone with --strategy=%s",
				a.Func, r.m.Guard, a.Op, r.at(a.Pos), Sharded))
	}
}

// element refuses because the race is behind the map, and nothing else is wrong.
func (r *refuser) element(f detect.Finding) {
	for _, a := range f.Accesses[:min(1, len(f.Accesses))] {
		r.add("element-race", a.Pos,
			fmt.Sprintf("the race is on what %s holds, not on the map: %s changes an element at %s that others can see", r.m.Name, a.Func, r.at(a.Pos)),
			"guard the element's fields with a lock of their own, or store a new element instead of changing the old one")
	}
}

// holds reports whether a holds the map's guard in the mode that its operation needs.
func (r *refuser) holds(a detect.Access) bool {
	for _, l := range a.Locks {
		if l.Name == r.m.Guard && (!l.Read || !a.Op.Mutates()) {
			return true
		}
	}
	return false
}

// lockMethod names the method that makes a safe.
func (r *refuser) lockMethod(a detect.Access) string {
	if a.Op.Mutates() {
		return "Lock"
	}
	for _, other := range r.m.Accesses {
		if slices.Contains(other.Locks, detect.Lock{Name: r.m.Guard, Read: true}) {
			return "RLock"
		}
	}
	return "Lock"
}

// guardedWith names the other maps that the guard guards while they change: one that
// is only read once it is shared is in step with anything.
func (r *refuser) guardedWith() []string {
	var names []string
	for _, o := range r.opts.Maps {
		same := o.Key != r.m.Key && o.Guard == r.m.Guard && o.Holder == r.m.Holder && o.Package == r.m.Package
		if same && slices.ContainsFunc(o.Accesses, func(a detect.Access) bool { return a.Op.Mutates() && !a.Owned }) {
			names = append(names, o.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *refuser) alsoGuards() string {
	if others := r.guardedWith(); len(others) > 0 {
		return fmt.Sprintf(" (%s also guards %s)", r.m.Guard, strings.Join(others, ", "))
	}
	return ""
}

// at writes a position as file:line, relative to the module.
func (r *refuser) at(pos token.Position) string {
	file := pos.Filename
	if rel, err := filepath.Rel(r.opts.Dir, file); err == nil && filepath.IsLocal(rel) {
		file = filepath.ToSlash(rel)
	}
	return fmt.Sprintf("%s:%d", file, pos.Line)
}

// locks says what an access holds.
func locks(a detect.Access) string {
	if len(a.Locks) == 0 {
		return "no lock"
	}
	var names []string
	for _, l := range a.Locks {
		name := l.Name
		if l.Read {
			name += " for reading only"
		}
		names = append(names, name)
	}
	return "only " + strings.Join(names, ", ")
}

func filter(all []detect.Access, keep func(detect.Access) bool) []detect.Access {
	var kept []detect.Access
	for _, a := range all {
		if keep(a) {
			kept = append(kept, a)
		}
	}
	return kept
}
