// This file holds the tests of a plan: how they are generated, kept and added.

package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
	"github.com/mapmigrate/mapmigrate/rewrite/racetest"
)

// testImports are the packages that generated tests may import beyond those of the
// code they test: their export data has to be at hand to type-check the tests.
var testImports = []string{
	"context", "errors", "io", "log", "log/slog", "math/rand", "net/http", "net/http/httptest", "net/url",
	"runtime", "strings", "sync", "testing", "testing/synctest", "time",
}

// frameworkImports returns what tests of a framework import on top. A module that does
// not require the framework does not get it: that is its owner's to decide.
func frameworkImports(dir, framework string) ([]string, error) {
	if framework != racetest.Gocheck {
		return nil, nil
	}
	root, err := moduleRoot(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(data), racetest.CheckPath+" ") {
		return nil, usagef("--framework=gocheck writes tests that import %s, which go.mod does not require: go get -t %s, or leave the flag out", racetest.CheckPath, racetest.CheckPath)
	}
	return []string{racetest.CheckPath, "hash/crc32", "sync/atomic"}, nil
}

// raceTests are the tests that were generated for maps, and why others have none.
type raceTests struct {
	prog  *detect.Program // without the tests
	gen   *racetest.Generator
	tests map[*detect.Map]*racetest.Test
	why   map[*detect.Map]error
	quiet map[*detect.Map]bool           // left to verify, see quietReason
	aside map[*detect.Map]*racetest.Test // see inTheWay
	added *detect.Program                // with the tests in it, once it has been made
	files map[string][]byte              // that were added
}

// quietReason is why the plan of a map that no finding names has no test: there is no
// race to prove. That the map behaves as before is shown by a test that verify writes when
// it comes to it. With --scope=all most maps are like that; their tests were more
// than half of the work of planning, and nobody reads them in a plan.
const quietReason = "no finding names it"

func newRaceTests(prog *detect.Program, opts racetest.Options) *raceTests {
	return &raceTests{
		prog: prog, gen: racetest.New(prog, opts),
		tests: map[*detect.Map]*racetest.Test{}, why: map[*detect.Map]error{},
		quiet: map[*detect.Map]bool{}, aside: map[*detect.Map]*racetest.Test{},
	}
}

// generateTests writes a test for each map that a finding names.
func generateTests(prog *detect.Program, maps []*detect.Map, f *planFlags) *raceTests {
	rt := newRaceTests(prog, racetest.Options{MinConfidence: detect.Confidence(f.minConfidence), Framework: f.framework})
	for _, m := range maps {
		if rt.gen.Quiet(m) {
			rt.quiet[m] = true
		} else {
			rt.keep(m)(rt.gen.Generate(m))
		}
	}
	return rt
}

// keep takes what generating a test of m returned.
func (rt *raceTests) keep(m *detect.Map) func(*racetest.Test, error) {
	return func(t *racetest.Test, err error) {
		if err != nil {
			rt.why[m] = err
		} else {
			rt.tests[m] = t
		}
	}
}

// rewrite rewrites the program with the tests in it, so that their migrated version comes
// from the same hand as that of the code. Tests that stand in the way of a site are dropped.
func (rt *raceTests) rewrite(ctx context.Context, requests []rewrite.Request, opts rewrite.Options) (*rewrite.Output, error) {
	for {
		tested, err := rt.overlay()
		if err != nil {
			return nil, err
		}
		out, err := rewrite.Rewrite(ctx, tested, requests, opts)
		if err != nil || !rt.inTheWay(out) {
			return out, err
		}
	}
}

// overlay returns the program with the tests in it, and drops those that do not type-check.
// Later calls return it without those that were dropped since.
func (rt *raceTests) overlay() (*detect.Program, error) {
	prog := rt.prog
	if len(rt.tests) == 0 && rt.added == nil {
		return prog, nil
	}
	files := map[string][]byte{}
	owner := map[string]*detect.Map{}
	for m, t := range rt.tests {
		name := filepath.Join(prog.Dir, filepath.FromSlash(t.File))
		files[name], owner[name] = t.Source, m
	}
	if rt.added != nil {
		var gone []string
		for name := range rt.files {
			if files[name] == nil {
				gone = append(gone, name)
			}
		}
		return rt.added.WithoutFiles(gone), nil
	}
	next, failed, err := prog.AddTests(files)
	if err != nil {
		return nil, err
	}
	for _, te := range failed {
		if m := owner[next.Fset.Position(te.Pos).Filename]; m != nil {
			rt.drop(m, fmt.Errorf("the generated test does not type-check (a bug in mapmigrate): %s", te.Msg))
		}
	}
	rt.added, rt.files = next, files
	return next, nil
}

// unwritten reports whether a test is left to verify to write.
func unwritten(t *plans.RaceTest) bool { return t.File == "" && t.Form == racetest.Behaviour }

func (rt *raceTests) drop(m *detect.Map, why error) {
	rt.why[m] = why
	delete(rt.tests, m)
}

// inTheWay drops the tests that have a use of a map which the chosen form cannot take,
// where the program itself may have none, and reports whether there are any: a site
// must not be refused for the sake of its test. One that is refused for another reason gets
// its test back, which needs no version for the new form.
func (rt *raceTests) inTheWay(out *rewrite.Output) bool {
	n := len(rt.tests)
	for _, s := range out.Sites {
		for _, r := range s.Refusals {
			for m, t := range rt.tests {
				if t.File == r.Pos.File {
					rt.aside[m] = t
					rt.drop(m, fmt.Errorf("a test that calls the program would use the map in a way that the new form has not: %s", r.Message))
				}
			}
		}
	}
	return len(rt.tests) < n
}

// record returns what the plan says of the test of a site's maps: one that calls the
// program, if any of them has one. after holds the migrated files by their path.
func (rt *raceTests) record(maps []*detect.Map, refused bool, after map[string][]byte) *plans.RaceTest {
	if rt == nil {
		return nil
	}
	var best *racetest.Test
	for _, m := range maps {
		t := rt.tests[m]
		if t == nil && refused {
			t = rt.aside[m]
		}
		if t != nil && (best == nil || best.Level != racetest.Program && t.Level == racetest.Program) {
			best = t
		}
	}
	if best == nil {
		for _, m := range maps {
			if err := rt.why[m]; err != nil {
				return &plans.RaceTest{Reason: err.Error()}
			}
		}
		if rt.quiet[maps[0]] {
			rec := &plans.RaceTest{Reason: quietReason}
			if !refused {
				rec.Level, rec.Form = racetest.MapOnly, racetest.Behaviour
			}
			return rec
		}
		return nil
	}
	rec := best.Record()
	if !refused {
		rec.AfterSource = rec.BeforeSource
		if text, ok := after[rec.File]; ok {
			rec.AfterSource = string(text)
		}
	}
	return &rec
}

// atomicity adds the test of a site's compound steps to its race test, if it has some.
func (rt *raceTests) atomicity(rec *plans.RaceTest, maps []*detect.Map, runtime string) {
	if rt == nil || rec == nil || rec.Level != racetest.Program {
		return
	}
	if t, err := rt.gen.Interleave(maps, runtime); err == nil {
		rec.Atomicity = &plans.AtomicityTest{File: t.File, Name: t.Name, Source: string(t.Source)}
	}
}

// addRaceTests makes the race tests that can prove something part of what apply writes:
// the migrated version of each, as a file that comes and goes with its site. A file that
// is there already, with other text, stays as it is.
func addRaceTests(dir string, p *plans.Plan) {
	for _, s := range p.Sites {
		if s.Status == plans.Refused || s.RaceTest == nil || s.RaceTest.Level != racetest.Program || s.RaceTest.AfterSource == "" {
			continue
		}
		if !addRaceTest(dir, p, s) {
			s.Notes = append(s.Notes, s.RaceTest.File+" is there already and not what would be generated now: apply leaves it as it is")
		}
	}
}

// addRaceTest adds the file of one site's test, and reports whether it could. A plan that
// is sealed already stays so.
func addRaceTest(dir string, p *plans.Plan, s *plans.Site) bool {
	if have, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(s.RaceTest.File))); err == nil && string(have) != s.RaceTest.AfterSource {
		return false
	}
	none, text := sha256.Sum256(nil), sha256.Sum256([]byte(s.RaceTest.AfterSource))
	p.Shared = append(p.Shared, plans.SharedEdit{
		Edit:   plans.Edit{File: s.RaceTest.File, OldSHA256: hex.EncodeToString(none[:]), New: s.RaceTest.AfterSource},
		Create: true, Sites: []string{s.ID},
	})
	slices.SortStableFunc(p.Shared, func(a, b plans.SharedEdit) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.New, b.New))
	})
	for _, id := range p.Unit(s.ID) {
		o := p.Site(id)
		o.Files = append(o.Files, plans.FileChange{Path: s.RaceTest.File, AfterSHA256: hex.EncodeToString(text[:])})
		slices.SortFunc(o.Files, func(a, b plans.FileChange) int { return cmp.Compare(a.Path, b.Path) })
	}
	return true
}

// dropRaceTests takes the test files of sites (all, if none is named) out of what apply
// writes, and reports whether there were any.
func dropRaceTests(p *plans.Plan, ids ...string) bool {
	gone := map[string]bool{}
	for _, s := range p.Sites {
		if s.RaceTest != nil && s.RaceTest.File != "" && (len(ids) == 0 || slices.Contains(ids, s.ID)) {
			gone[s.RaceTest.File] = true
		}
	}
	n := len(p.Shared)
	p.Shared = slices.DeleteFunc(p.Shared, func(e plans.SharedEdit) bool { return e.Create && gone[e.File] })
	if len(p.Shared) == n {
		return false
	}
	for _, s := range p.Sites {
		s.Files = slices.DeleteFunc(s.Files, func(f plans.FileChange) bool { return gone[f.Path] })
	}
	return true
}

func describeTest(t *plans.RaceTest) string {
	if unwritten(t) {
		return "none: " + t.Reason + "; verify writes one that shows that the map behaves as before"
	}
	if t.File == "" {
		return "none: " + t.Reason
	}
	s := fmt.Sprintf("%s in %s, level %s, form %s", t.Name, t.File, t.Level, t.Form)
	if t.Before != "" {
		s += ": before " + t.Before
	}
	if t.After != "" {
		s += ", after " + t.After
	}
	if t.Reason != "" {
		s += " (" + t.Reason + ")"
	}
	if a := t.Atomicity; a != nil && a.Result != "" {
		s += "; every order of its steps: " + a.Result
		if a.Detail != "" {
			s += " (" + a.Detail + ")"
		}
	}
	return s
}
