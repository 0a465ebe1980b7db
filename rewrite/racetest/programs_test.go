package racetest

import (
	"context"
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/rewrite"
)

// The corpus is one module with many small programs in production style, several in a
// package, so that few test binaries hold them all. In racy/ the comment "// racy" marks
// the maps that race ("// racy, not found" those that detection does not name, which
// this package can do nothing about). In correct/ no map races; "// racy, wrongly" marks
// one that detection names all the same.
//
// A plain go test runs each test once; -every runs it 20 times, as the goals say.
type corpus struct {
	prog   *detect.Program
	maps   []*detect.Map
	tests  map[*detect.Map]*Test
	steps  map[*detect.Map]*Test // tests of atomicity
	sites  map[*detect.Map]*rewrite.Site
	after  map[string][]byte // migrated files by absolute path
	runtim string

	strategy func(*detect.Map) string
}

func sharded(*detect.Map) string { return "sharded" }

// locks is the form that changes no type.
func locks(m *detect.Map) string {
	if m.GuardKey != "" {
		return rewrite.Guard
	}
	return rewrite.Mutex
}

func corpusRuns() int {
	if *every {
		return 20
	}
	return 1
}

// readCorpus loads and analyses the part of the corpus under a folder.
func readCorpus(t *testing.T, part string) *corpus {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", "corpus"))
	if err != nil {
		t.Fatal(err)
	}
	prog, err := detect.Load(detect.Config{Dir: dir, Patterns: []string{"./" + part + "/..."}, Tests: true, Extra: append(rewrite.RuntimeImports(), testImports...)})
	if err != nil {
		t.Fatal(err)
	}
	res, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	maps := slices.DeleteFunc(res.Maps, func(m *detect.Map) bool {
		return !strings.HasPrefix(m.Package+"/", "example.com/corpus/"+part+"/")
	})
	return &corpus{prog: prog, maps: maps, tests: map[*detect.Map]*Test{}, steps: map[*detect.Map]*Test{}, sites: map[*detect.Map]*rewrite.Site{}, strategy: sharded}
}

var testImports = []string{
	"context", "errors", "io", "log", "log/slog", "math/rand", "net/http", "net/http/httptest", "net/url",
	"runtime", "strings", "sync", "testing", "testing/synctest", "time",
}

// racyMarks returns the lines of declarations marked racy, with what the comment says.
func racyMarks(t *testing.T, c *corpus) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range c.prog.Packages {
		for _, f := range p.GoFiles {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			no := 0
			for l := range strings.Lines(string(data)) {
				no++
				if _, mark, ok := strings.Cut(l, "// racy"); ok {
					out[fmt.Sprintf("%s:%d", f, no)] = strings.TrimSpace(mark)
				}
			}
		}
	}
	return out
}

func loud(m *detect.Map) bool {
	return slices.ContainsFunc(m.Findings, func(f detect.Finding) bool {
		return !f.Category.Quiet() && f.Confidence.Rank() >= detect.Medium.Rank()
	})
}

// migrate generates the tests of maps and migrates maps and tests.
func (c *corpus) migrate(t *testing.T, maps []*detect.Map) {
	t.Helper()
	g := New(c.prog, Options{MinConfidence: detect.Medium})
	files := map[string][]byte{}
	var reqs []rewrite.Request
	for _, m := range maps {
		if v := g.variable(m); v != nil {
			if _, ok := v.Type().Underlying().(*types.Map); !ok {
				continue // kept in an atomic value or the like: no form of it is a map by itself
			}
		}
		reqs = append(reqs, rewrite.Request{Map: m, Strategy: c.strategy(m), Otherwise: rewrite.Mutex})
		if rt, err := g.Generate(m); err == nil {
			c.tests[m] = rt
			files[filepath.Join(c.prog.Dir, filepath.FromSlash(rt.File))] = rt.Source
		} else {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	next, err := c.prog.Overlay(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range next.Errors(c.prog) {
		t.Errorf("a generated test does not type-check: %v", e)
	}
	out, err := rewrite.Rewrite(context.Background(), next, reqs, rewrite.Options{Maps: c.maps, AllowAPIChange: true, SkipCompile: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Sites {
		for _, m := range s.Maps {
			c.sites[m] = s
		}
	}
	c.after = map[string][]byte{}
	for name, data := range out.Files {
		c.after[filepath.Join(c.prog.Dir, filepath.FromSlash(name))] = data
	}
	c.runtim = filepath.Join(c.prog.Dir, filepath.FromSlash(out.Runtime.Dir))
	for _, m := range maps {
		if s := c.sites[m]; s == nil || len(s.Refusals) > 0 || out.Runtime.Dir == "" {
			continue
		}
		if rt, err := g.Interleave([]*detect.Map{m}, c.prog.Module+"/"+out.Runtime.Dir); err == nil {
			c.steps[m] = rt
		} else {
			t.Logf("no test of atomicity: %v", err)
		}
	}
}

func (c *corpus) pairs(maps []*detect.Map) (pairs []Pair, of []*detect.Map) {
	for _, m := range maps {
		rt := c.tests[m]
		if rt == nil {
			continue
		}
		p := Pair{Test: rt, Interleave: c.steps[m]}
		if s := c.sites[m]; s != nil && len(s.Refusals) == 0 {
			if p.After = c.after[filepath.Join(c.prog.Dir, filepath.FromSlash(rt.File))]; p.After == nil {
				p.After = rt.Source
			}
		}
		pairs, of = append(pairs, p), append(of, m)
	}
	return pairs, of
}

func (c *corpus) verify(t *testing.T, pairs []Pair) []Verdict {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	vs, err := Verify(ctx, c.prog.Dir, nil, c.after, pairs, RunOptions{Count: corpusRuns(), Parallel: runtime.GOMAXPROCS(0), Runtime: c.runtim})
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

// TestRacyPrograms: at least 95 % of the sites that a finding names get a program-level
// test that fails before in every run and passes after in every run, where the map is swapped
// or, if it cannot be, locked as auto does; the rest says why not.
func TestRacyPrograms(t *testing.T) { racyPrograms(t, sharded, true) }

// TestGuardedPrograms is TestRacyPrograms for locks: what can take its map's lock, or get one,
// passes after.
func TestGuardedPrograms(t *testing.T) { racyPrograms(t, locks, false) }

func racyPrograms(t *testing.T, strategy func(*detect.Map) string, all bool) {
	needRace(t)
	c := readCorpus(t, "racy")
	c.strategy = strategy
	marked := racyMarks(t, c)
	if len(marked) < 40 {
		t.Fatalf("only %d marked maps", len(marked))
	}
	var maps []*detect.Map
	for _, m := range c.maps {
		at := fmt.Sprintf("%s:%d", m.Pos.Filename, m.Pos.Line)
		mark, racy := marked[at]
		switch {
		case loud(m) && !racy:
			t.Errorf("%s has a finding, but is not marked", m.Name)
		case loud(m):
			maps = append(maps, m)
		case racy && mark == "":
			t.Logf("%s is marked, and has no finding", m.Name) // detection's tests are elsewhere
		}
		delete(marked, at)
	}
	if len(maps) < 40 {
		t.Fatalf("detection finds only %d of the marked maps", len(maps))
	}
	c.migrate(t, maps)
	pairs, of := c.pairs(maps)
	proven, before, eligible := 0, 0, 0
	for i, v := range c.verify(t, pairs) {
		m := of[i]
		b := v.Before.Result == Failed && v.Before.Failed == v.Before.Runs && pairs[i].Test.Level == Program
		a := v.After.Result == Passed
		says := ""
		if b {
			before++
		} else {
			says = v.Before.Detail
		}
		if pairs[i].After != nil {
			eligible++
			if a && b {
				proven++
			} else if !a {
				says += " after: " + v.After.Detail
			}
		} else if s := c.sites[m]; s != nil {
			says += " refused " + s.Refusals[0].Code
		}
		t.Logf("%-28s %-8s %-9s before %s %d/%d after %s atomic %s %s", m.Name, pairs[i].Test.Level, pairs[i].Test.Form, v.Before.Result, v.Before.Failed, v.Before.Runs, v.After.Result, v.Atomic.Result, says)
		if v.Atomic.Result == Failed || v.Atomic.Result == DidNotBuild || v.Atomic.Result == TimedOut {
			t.Errorf("%s: atomicity: %s: %s\n%s", m.Name, v.Atomic.Result, v.Atomic.Detail, pairs[i].Interleave.Source)
		}
		if !b || pairs[i].After != nil && !a {
			t.Logf("%s\n%s\n%s", pairs[i].Test.Source, v.Before.Output, v.After.Output)
		}
		for _, l := range append(v.Before.Leaks, v.After.Leaks...) {
			t.Logf("%s: %s", m.Name, l)
		}
	}
	t.Logf("%d sites; %d program-level tests fail before in all runs; %d migrated, of which %d pass after in all runs", len(maps), before, eligible, proven)
	if all {
		eligible = len(maps)
	}
	if before*100 < 95*len(maps) || proven*100 < 95*eligible {
		t.Errorf("fewer than 95 %%")
	}
}

// TestCorrectPrograms: where nothing races, no race test is generated; the behaviour
// tests of --scope=all pass on the code as it is and, where the map can be migrated
// when that is asked for, on the migrated code, in every run.
func TestCorrectPrograms(t *testing.T) {
	c := readCorpus(t, "correct")
	programs := 0 // a file each; not all of their maps are known by name
	for _, p := range c.prog.Packages {
		if strings.Contains(p.Path, "/correct/") && p.ForTest == "" {
			programs += len(p.GoFiles)
		}
	}
	if programs < 40 {
		t.Fatalf("only %d programs", programs)
	}
	c.migrate(t, c.maps)
	marked := racyMarks(t, c)
	for _, m := range c.maps {
		if loud(m) {
			mark := marked[fmt.Sprintf("%s:%d", m.Pos.Filename, m.Pos.Line)]
			if mark != ", wrongly" {
				t.Errorf("%s: %s (%s): %s", m.Name, m.Findings[0].Category, m.Findings[0].Confidence, m.Findings[0].Message)
			}
			delete(c.tests, m) // it reproduces nothing, of which TestRacyPrograms is the other half
			continue
		}
		if rt := c.tests[m]; rt != nil && rt.Form != Behaviour {
			t.Errorf("%s got a test of form %s", m.Name, rt.Form)
		}
	}
	needRace(t)
	pairs, of := c.pairs(c.maps)
	passed, migrated := 0, 0
	for i, v := range c.verify(t, pairs) {
		if v.Before.Result != Passed {
			t.Errorf("%s: before: %s: %s\n%s\n%s", of[i].Name, v.Before.Result, v.Before.Detail, pairs[i].Test.Source, v.Before.Output)
		}
		if pairs[i].After == nil {
			continue
		}
		migrated++
		if v.After.Result == Passed {
			passed++
		} else {
			t.Errorf("%s: after: %s: %s\n%s\n%s", of[i].Name, v.After.Result, v.After.Detail, pairs[i].After, v.After.Output)
		}
		if v.Atomic.Result == Failed || v.Atomic.Result == DidNotBuild || v.Atomic.Result == TimedOut {
			t.Errorf("%s: atomicity: %s: %s\n%s", of[i].Name, v.Atomic.Result, v.Atomic.Detail, pairs[i].Interleave.Source)
		}
	}
	t.Logf("%d programs, %d maps, %d behaviour tests; %d migrated, %d pass after", programs, len(c.maps), len(pairs), migrated, passed)
}
