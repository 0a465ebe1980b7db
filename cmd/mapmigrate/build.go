// This file turns detection's and rewriting's answers into a plan.

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
	"github.com/mapmigrate/mapmigrate/rewrite/racetest"
)

// A builder makes one plan.
type builder struct {
	prog       *detect.Program
	strategy   string        // as asked for
	candidates []*detect.Map // what becomes sites, sorted by position
	total      int           // maps in the packages that were asked for
	advice     map[*detect.Map]advise.Advice
	tests      *raceTests // nil: none were asked for
	facts      *facts     // of --evidence

	screen *screen // what is reported, and what is accepted

	ids map[string]bool
}

// plan builds the unsealed plan: one site per outcome of rewriting, and one per map
// that advice kept from it, in the order of their positions.
func (b *builder) plan(out *rewrite.Output) (*plans.Plan, error) {
	b.ids = map[string]bool{}
	p := &plans.Plan{
		FormatVersion: plans.FormatVersion,
		ToolVersion:   toolVersion(),
		Module:        b.prog.Module,
		Strategy:      b.strategy,
		Runtime:       out.Runtime,
	}
	p.Summary.Packages = b.packages()
	p.Summary.Maps = b.total
	p.Summary.Incomplete = incomplete(b.prog)
	p.Complete = len(p.Summary.Incomplete) == 0
	p.Suppressed, p.Warnings = b.screen.suppressed, b.screen.warnings

	// Have: Rewrite's sites are sorted by first map, and so are candidates.
	first := map[*detect.Map]*rewrite.Site{}
	for _, s := range out.Sites {
		first[s.Maps[0]] = s
	}
	made := map[*rewrite.Site]*plans.Site{}
	for _, m := range b.candidates {
		if s := first[m]; s != nil {
			if otherwise := b.advice[m].Otherwise; otherwise != nil && len(s.Refusals) > 0 {
				b.advice[m] = explained(*otherwise, s.Refusals[0])
				made[s] = b.advised(m)
			} else {
				made[s] = b.rewritten(s, out)
			}
			p.Sites = append(p.Sites, made[s])
		} else if len(b.advice[m].Refusals) > 0 {
			p.Sites = append(p.Sites, b.advised(m))
		}
	}
	id := func(i int) string { return made[out.Sites[i]].ID }
	for _, s := range out.Sites {
		for _, i := range s.Coupled {
			made[s].CoupledWith = append(made[s].CoupledWith, id(i))
		}
	}
	for _, e := range out.Shared {
		ids := make([]string, 0, len(e.Sites))
		for _, decimal := range e.Sites {
			i, err := strconv.Atoi(decimal)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id(i))
		}
		e.Sites = ids
		p.Shared = append(p.Shared, e)
	}
	addRaceTests(b.prog.Dir, p)
	p.Evidence = b.facts.notes
	confirmedFirst(p.Sites)
	return p, nil
}

// confirmedFirst ranks what a log or a crash proves before the rest, which stays in the
// order of positions.
func confirmedFirst(sites []*plans.Site) {
	proven := func(s *plans.Site) int {
		for _, f := range s.Findings {
			if f.Confidence == string(detect.Confirmed) {
				return 0
			}
		}
		return 1
	}
	slices.SortStableFunc(sites, func(a, b *plans.Site) int { return proven(a) - proven(b) })
}

func (b *builder) packages() int {
	seen := map[string]bool{}
	for _, p := range b.prog.Packages {
		if p.Matched && p.FirstParty && !p.XTest {
			seen[p.Path] = true
		}
	}
	return len(seen)
}

// rewritten makes the site of an outcome of rewriting.
func (b *builder) rewritten(s *rewrite.Site, out *rewrite.Output) *plans.Site {
	site := b.newSite(s.Maps)
	a := b.advice[s.Maps[0]]
	if s.Instead != nil {
		reason := "a lock of its own, around every use"
		if s.Strategy == advise.Guard {
			reason = fmt.Sprintf("%s is taken where it is missed", s.Maps[0].Guard)
		}
		rejected := advise.Alternative{Name: a.Strategy, Reason: fmt.Sprintf("refused: %s (%s)", s.Instead.Message, s.Instead.Code)}
		a = advise.Advice{Strategy: s.Strategy, Reason: reason, Rejected: append([]advise.Alternative{rejected}, a.Rejected...)}
	} else if a.Strategy != s.Strategy { // the class needed one form, and another map chose it
		a = advise.Advice{Strategy: s.Strategy, Reason: "shares its type with another map of the site"}
	}
	site.Strategy = strategy(a)
	site.Members, site.Notes, site.Edits = s.Members, s.Notes, s.Edits
	site.Refusals = s.Refusals
	site.Status = plans.Proposed
	if len(s.Refusals) > 0 {
		site.Status = plans.Refused
	}
	site.RaceTest = b.tests.record(s.Maps, site.Status == plans.Refused, out.Files)
	locks := advise.KeepsType(s.Strategy)
	if r := site.RaceTest; r != nil && locks && site.Status != plans.Refused && r.Level == racetest.MapOnly {
		site.RaceTest = &plans.RaceTest{Reason: r.Reason + "; a test of the map alone would leave its lock out"}
	}
	if site.Status != plans.Refused && out.Runtime.Dir != "" && !locks {
		b.tests.atomicity(site.RaceTest, s.Maps, b.prog.Module+"/"+out.Runtime.Dir)
	}
	return site
}

// explained adds to an advice why its remedy is left to people.
func explained(a advise.Advice, why *plans.Refusal) advise.Advice {
	a.Refusals = slices.Clone(a.Refusals)
	for i := range a.Refusals {
		a.Refusals[i].Remedy += fmt.Sprintf(". Not written by mapmigrate: %s (%s)", why.Message, why.Code)
	}
	return a
}

// advised makes the site of a map that another form would not help.
func (b *builder) advised(m *detect.Map) *plans.Site {
	site := b.newSite([]*detect.Map{m})
	site.Strategy = strategy(b.advice[m])
	site.Status = plans.Refused
	for _, r := range b.advice[m].Refusals {
		site.Refusals = append(site.Refusals, &plans.Refusal{
			Code: r.Code, Class: plans.Unhelpful, Message: r.Message, Remedy: r.Remedy, Pos: b.pos(r.Pos),
		})
	}
	site.RaceTest = b.tests.record([]*detect.Map{m}, true, nil)
	return site
}

func (b *builder) newSite(maps []*detect.Map) *plans.Site {
	m := maps[0]
	s := &plans.Site{
		ID: b.id(m.Key), Name: m.Name, Kind: string(m.Kind), Type: m.Type, Package: m.Package,
		Pos: b.pos(m.Pos), Nested: m.Nested,
	}
	var loud, quiet []plans.Finding
	for _, m := range maps {
		for _, f := range m.Findings {
			if f.Category.Quiet() {
				quiet = append(quiet, b.finding(f))
			} else {
				said := b.finding(f)
				said.Baselined = b.screen.old != nil && b.screen.old.covers(m, f)
				loud = append(loud, said)
			}
		}
	}
	s.Findings = loud
	if len(loud) == 0 { // inventory says something only where there is no alarm
		s.Findings = quiet
	}
	return s
}

// id returns a short hash of the map's key, longer where two would be the same.
func (b *builder) id(key string) string {
	hash := hashKey(key)
	n := 8
	for b.ids[hash[:n]] {
		n++
	}
	b.ids[hash[:n]] = true
	return hash[:n]
}

func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func strategy(a advise.Advice) plans.Strategy {
	s := plans.Strategy{Name: a.Strategy, Reason: a.Reason}
	for _, r := range a.Rejected {
		s.Rejected = append(s.Rejected, plans.Alternative{Name: r.Name, Reason: r.Reason})
	}
	return s
}

func (b *builder) finding(f detect.Finding) plans.Finding {
	out := plans.Finding{Category: string(f.Category), Confidence: string(f.Confidence), Message: f.Message, Doubt: f.Doubt}
	for _, a := range f.Accesses {
		acc := plans.Access{Op: string(a.Op), Pos: b.pos(a.Pos), Func: a.Func, Contexts: a.Contexts}
		for _, l := range a.Locks {
			name := l.Name
			if l.Read {
				name += " (read)"
			}
			acc.Locks = append(acc.Locks, name)
		}
		for _, s := range a.Path {
			acc.Path = append(acc.Path, plans.Step{Pos: b.pos(s.Pos), Note: s.Note})
		}
		out.Accesses = append(out.Accesses, acc)
	}
	return out
}

// pos makes a position relative to the module. One in a dependency keeps the part
// that names it everywhere: what follows the module cache or the standard library.
func (b *builder) pos(p token.Position) plans.Pos {
	if !p.IsValid() {
		return plans.Pos{}
	}
	file := filepath.ToSlash(p.Filename)
	if rel, err := filepath.Rel(b.prog.Dir, p.Filename); err == nil && filepath.IsLocal(rel) {
		file = filepath.ToSlash(rel)
	} else if _, after, ok := strings.Cut(file, "/pkg/mod/"); ok {
		file = after
	} else if _, after, ok := strings.Cut(file, "/src/"); ok {
		file = after
	} else {
		file = path.Base(file)
	}
	return plans.Pos{File: file, Line: p.Line, Column: p.Column}
}
