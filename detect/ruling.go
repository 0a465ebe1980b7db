// This file applies directives while linking: what is ignored, and what is asserted.
//
// An ignored access is left out of judgement altogether: it neither conflicts nor counts for
// or against a guard ("held at 14 of 14"). What that hides is found by judging again with
// the accesses of one directive put back; a directive that hides nothing is unused.

package detect

import (
	"fmt"
	"go/token"
	"slices"
	"sort"
	"strings"
)

// A Suppressed is a finding that a directive keeps from being reported.
type Suppressed struct {
	Finding
	Reason string         // as the directive gives it
	Pos    token.Position // of the directive
}

// An OddOne is a function that uses a map without what the others hold. The findings of a
// map show the surest conflict of each kind; a baseline has to know all the functions, so
// that it does not depend on which one was chosen.
type OddOne struct {
	Func    string  // function literals count as the function that they are written in
	Finding Finding // the surest one of that category in that function
}

// oddKey identifies an OddOne of a map.
type oddKey struct {
	fn  string
	cat Category
}

// A ruling is a directive while linking.
type ruling struct {
	*DirectiveInfo
	sum     *Summary
	used    bool // it hides a finding, or is an assertion that was checked
	touches bool // there is an access, or a map, that it is about
}

// rulings are the directives of all summaries by what they are about.
type rulings struct {
	all    []*ruling
	byMap  map[string][]*ruling
	byFile map[string][]*ruling // the ignores that have spans
}

func newRulings(sums []*Summary, opts Options) *rulings {
	r := &rulings{byMap: map[string][]*ruling{}, byFile: map[string][]*ruling{}}
	for _, s := range sums {
		for i := range s.Directives {
			d := &ruling{DirectiveInfo: &s.Directives[i], sum: s}
			if d.Test && !opts.Tests {
				continue
			}
			r.all = append(r.all, d)
			if d.Wrong != "" {
				continue
			}
			for _, k := range d.Maps {
				r.byMap[k] = append(r.byMap[k], d)
			}
			if len(d.Spans) > 0 {
				file := s.Files[d.Pos.File]
				r.byFile[file] = append(r.byFile[file], d)
			}
		}
	}
	return r
}

// of returns the first usable directive on a map's declaration with that verb, or nil.
func (r *rulings) of(key, verb string) *ruling {
	for _, d := range r.byMap[key] {
		if d.Verb == verb {
			return d
		}
	}
	return nil
}

// about returns the ignore that an access lies under (rule D2), or nil.
func (r *rulings) about(o *occurrence) *ruling {
	if len(r.byFile) == 0 || !o.acc.Pos.valid() {
		return nil
	}
	for _, d := range r.byFile[o.at.sum.Files[o.acc.Pos.File]] {
		for _, sp := range d.Spans {
			if sp.Start <= o.acc.Pos.Offset && o.acc.Pos.Offset < sp.End {
				return d
			}
		}
	}
	return nil
}

// ruled judges a map as its directives say (rules D1 and D3).
func (l *linker) ruled(ms *mapState) *Map {
	m := l.judge(ms)
	if d := l.rulings.of(ms.decl.Key, verbIgnore); d != nil {
		d.touches = true
		m.Ignored = true
		var quiet []Finding
		for _, f := range m.Findings {
			if f.Category.Quiet() {
				quiet = append(quiet, f)
				continue
			}
			d.used = true
			m.Suppressed = append(m.Suppressed, d.suppress(f))
		}
		m.Findings, m.Odd = quiet, nil
		return m
	}
	aside := map[*occurrence]*ruling{}
	var order []*ruling
	for _, o := range slices.Concat(ms.cases, ms.elems, ms.steps) {
		if d := l.rulings.about(o); d != nil {
			aside[o] = d
			if !slices.Contains(order, d) {
				order = append(order, d)
				d.touches = true
			}
		}
	}
	if len(order) == 0 {
		return m
	}
	without := l.judge(ms.keep(func(o *occurrence) bool { return aside[o] == nil }))
	for _, d := range order {
		back := l.judge(ms.keep(func(o *occurrence) bool { return aside[o] == nil || aside[o] == d }))
		for _, f := range d.hidden(l, back) {
			d.used = true
			without.Suppressed = append(without.Suppressed, d.suppress(f))
		}
	}
	// What is left out of judgement is still there to be rewritten.
	without.Accesses = m.Accesses
	return without
}

// directed reports whether a directive other than a hint is about a map, or about one of the
// ways in which it is used.
func (l *linker) directed(ms *mapState) bool {
	if slices.ContainsFunc(l.rulings.byMap[ms.decl.Key], func(d *ruling) bool { return d.Verb != verbHint }) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(ms.cases, ms.elems, ms.steps), func(o *occurrence) bool { return l.rulings.about(o) != nil })
}

// keep returns a map's state with the occurrences that are wanted.
func (ms *mapState) keep(want func(*occurrence) bool) *mapState {
	c := *ms
	filter := func(in []*occurrence) (out []*occurrence) {
		for _, o := range in {
			if want(o) {
				out = append(out, o)
			}
		}
		return out
	}
	c.cases, c.elems, c.steps = filter(ms.cases), filter(ms.elems), filter(ms.steps)
	return &c
}

// hidden returns what a map judged with the accesses of one directive shows of them: its
// findings, and where another access of the same kind was chosen to stand for all, the
// verdict about the directive's own.
func (d *ruling) hidden(l *linker, m *Map) []Finding {
	var out []Finding
	for _, f := range m.Findings {
		if !f.Category.Quiet() && d.proves(l, f) {
			out = append(out, f)
		}
	}
	if len(out) > 0 {
		return out
	}
	var best *verdict
	j := l.judged
	for _, u := range j.uses {
		if v := j.oddAt[u.acc]; v != nil && j.rulings.about(v.a) == d && (best == nil || v.better(best)) {
			best = v
		}
	}
	if best != nil {
		out = append(out, j.finding(best))
	}
	return out
}

// proves reports whether one of the conflicting accesses of a finding lies under the
// directive.
func (d *ruling) proves(l *linker, f Finding) bool {
	for _, a := range f.Accesses[:min(2, len(f.Accesses))] {
		at := l.real(a.Pos)
		if at.Filename != d.sum.Files[d.Pos.File] {
			continue
		}
		for _, sp := range d.Spans {
			if int(sp.Start) <= at.Offset && at.Offset < int(sp.End) {
				return true
			}
		}
	}
	return false
}

func (d *ruling) suppress(f Finding) Suppressed {
	return Suppressed{Finding: f, Reason: d.Text, Pos: d.sum.position(d.Pos)}
}

// problems says which directives have no effect, and why, sorted by position. It is called
// when every map is judged.
func (r *rulings) problems() []Problem {
	var out []Problem
	for _, d := range r.all {
		p := Problem{Code: d.Wrong, Message: d.Why, Pos: d.sum.position(d.Pos), Package: d.sum.Package}
		switch {
		case d.Wrong != "":
		case d.Verb != verbIgnore || d.used:
			continue
		case d.touches || len(d.Maps) > 0:
			p.Code, p.Partial = UnusedIgnore, true
			p.Message = "//mapmigrate:ignore suppresses nothing: remove it"
		default:
			p.Code = UnusedIgnore
			p.Message = "//mapmigrate:ignore suppresses nothing: there is no access and no declaration of a shared map on its line or the next"
		}
		out = append(out, p)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].Pos, out[j].Pos
		return a.Filename < b.Filename || a.Filename == b.Filename && a.Offset < b.Offset
	})
	return out
}

// assertGuard makes the lock that a //mapmigrate:guardedby names the guard, whoever holds
// it (rule D4).
func (j *judgement) assertGuard() {
	d := j.rulings.of(j.decl.Key, verbGuarded)
	if d == nil || len(d.Locks) == 0 {
		return
	}
	j.asserted = d
	j.guard = d.Locks[0]
	best := -1
	for _, k := range d.Locks {
		n, total := 0, 0
		for _, u := range j.uses {
			if len(u.live) == 0 || u.acc.Op == Escape {
				continue
			}
			total++
			if !slices.ContainsFunc(u.live, func(o *occurrence) bool { return j.evidenceFor(o, o.held, nil, k) < heldRead }) {
				n++
			}
		}
		if n > best {
			best = n
			j.guard, j.held, j.total = k, n, total
		}
	}
}

// checkAssertion replaces the verdicts about which lock guards the map by one verdict for
// each access that does not hold the asserted one (rule D4). What the lock does not speak
// of (rows, elements, steps, a map that leaves) keeps its verdicts.
func (j *judgement) checkAssertion() {
	if j.asserted == nil {
		return
	}
	j.asserted.used, j.asserted.touches, j.shared = true, true, true
	var kept []Finding
	for _, f := range j.findings {
		switch f.Category {
		case Unguarded, Partial, WrongLock, Iteration, Replaced, ReadLockWrite, Guarded, Confined:
		default:
			kept = append(kept, f)
		}
	}
	j.findings = kept
	violations := 0
	for _, u := range j.uses {
		if v := j.violation(u); v != nil {
			violations++
			j.noteOdd(v)
			j.noteLacking(v)
			j.findings = append(j.findings, j.finding(v))
		}
	}
	if violations == 0 {
		j.findings = append(j.findings, Finding{Guarded, Low, fmt.Sprintf("%s is guarded by %s, as its declaration says, at %d of %d accesses", j.decl.Name, j.guardName(), j.held, j.total), nil, ""})
	}
}

// violation is the verdict about an access that may run without the asserted lock, with the
// access that it most surely conflicts with. It is nil when none of the ways to the access
// breaks the assertion, or nothing changes the map while it is shared.
func (j *judgement) violation(u *use) *verdict {
	if u.inner || u.acc.Op == Escape {
		return nil
	}
	var best *verdict
	for _, a := range u.live {
		if a.ctx == nil && j.noContext(a) || a.ctx != nil && (a.ctx.kind == "init" || a.ctx.kind == "test") {
			continue
		}
		ea := j.evidenceFor(a, a.held, a.may, j.guard)
		if ea == held || ea == heldRead && !a.acc.Op.Mutates() || ea == maybeHeld {
			continue
		}
		for _, w := range j.uses {
			if w.inner || w.acc.Op == Escape || !u.acc.Op.Mutates() && !w.acc.Op.Mutates() {
				continue
			}
			for _, b := range w.live {
				v := &verdict{pair: pair{a: a, b: b}, cat: j.breach(a, ea), conf: Medium}
				if p, ok := j.conflict(a, b); ok {
					v.pair, v.conf = p, High
					v.a, v.b = a, b
					v.score += 4
				}
				if eb := j.evidenceFor(b, b.held, b.may, j.guard); eb >= heldRead {
					v.score += 2
				}
				if content(b) {
					v.score++
				}
				switch {
				case j.construction(a):
					v.conf = Low
				case lifecycle(a) || hushed(a) || callerHolds(a) || !content(a) && !content(b):
					v.conf = Medium
				}
				if best == nil || v.better(best) {
					best = v
				}
			}
		}
	}
	return best
}

// noContext reports whether nothing is seen to run an occurrence (rule C6).
func (j *judgement) noContext(o *occurrence) bool {
	j.classify(o)
	return o.ctxCount == 0
}

// breach is the category of an access that breaks an assertion.
func (j *judgement) breach(a *occurrence, ea evidence) Category {
	switch {
	case ea == heldRead:
		return ReadLockWrite
	case a.aliased && j.evidenceFor(a, a.loadHeld, nil, j.guard) >= heldRead:
		return EscapeCat
	case j.otherLock(a):
		return WrongLock
	case a.acc.Op == Range:
		return Iteration
	case a.acc.Op == Replace:
		return Replaced
	case j.held == 0:
		return Unguarded
	}
	return Partial
}

// callerHolds reports whether a name says that callers hold the lock: such a function that
// nobody is seen to call may well be called with it.
func callerHolds(o *occurrence) bool {
	n := strings.ToLower(EnclosingFunc(o.at.info.Name))
	return strings.HasSuffix(n, "locked") && !strings.HasSuffix(n, "unlocked") || strings.HasSuffix(n, "nolock")
}

// EnclosingFunc drops what names a function literal: "(*T).Run.func1.2" is in "(*T).Run".
func EnclosingFunc(fn string) string {
	if i := strings.Index(fn, ".func"); i >= 0 && i+5 < len(fn) && fn[i+5] >= '0' && fn[i+5] <= '9' {
		return fn[:i]
	}
	return fn
}

// hinted reports whether a comment at the declaration says that this lock guards the map (rule D6).
func (j *judgement) hinted(key string) bool {
	d := j.rulings.of(j.decl.Key, verbHint)
	return d != nil && slices.Contains(d.Locks, key)
}

// noteOdd remembers a verdict by its odd access and that one's function, where somebody
// asks for that: it is called for every conflict.
func (j *judgement) noteOdd(v *verdict) {
	if !j.opts.AllOdd && len(j.rulings.byFile) == 0 {
		return
	}
	if j.odd == nil {
		j.odd, j.oddAt = map[oddKey]*verdict{}, map[*AccessInfo]*verdict{}
	}
	k := oddKey{EnclosingFunc(v.a.at.info.Name), v.cat}
	if old := j.odd[k]; old == nil || v.better(old) {
		j.odd[k] = v
	}
	if old := j.oddAt[v.a.acc]; old == nil || v.better(old) {
		j.oddAt[v.a.acc] = v
	}
}

// noteLacking remembers how sure the surest conflict of each access without the guard is.
func (j *judgement) noteLacking(v *verdict) {
	if j.guard == "" {
		return
	}
	if j.lacking == nil {
		j.lacking = map[*AccessInfo]Confidence{}
	}
	note := func(a *AccessInfo) {
		if v.conf.Rank() >= j.lacking[a].Rank() {
			j.lacking[a] = v.conf
		}
	}
	note(v.a.acc)
	if v.b.guarded == notHeld {
		note(v.b.acc)
	}
}

// oddOnes renders what noteOdd remembers, sorted by function and category.
func (j *judgement) oddOnes() []OddOne {
	if !j.opts.AllOdd {
		return nil
	}
	var out []OddOne
	for k, v := range j.odd {
		out = append(out, OddOne{k.fn, j.finding(v)})
	}
	sort.Slice(out, func(x, y int) bool {
		a, b := out[x], out[y]
		return a.Func < b.Func || a.Func == b.Func && a.Finding.Category < b.Finding.Category
	})
	return out
}

// guardName is how messages call the guard: a local lock has no name beyond its function
// but the one that an assertion gives it.
func (j *judgement) guardName() string {
	switch {
	case !strings.HasPrefix(j.guard, "local:"):
		return short(j.guard)
	case j.asserted != nil:
		return j.asserted.Text
	}
	return "a local lock"
}
