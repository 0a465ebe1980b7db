// This file defines the verify command, and the race tests of a plan.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/evidence"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite/racetest"
)

// testImports are the packages that generated tests may import beyond those of the
// code they test: their export data has to be at hand to type-check the tests.
var testImports = []string{
	"context", "io", "log", "log/slog", "math/rand", "net/http", "net/http/httptest", "net/url",
	"runtime", "strings", "sync", "testing", "testing/synctest", "time",
}

// raceTests are the tests that were generated for maps, and why others have none.
type raceTests struct {
	tests map[*detect.Map]*racetest.Test
	why   map[*detect.Map]error
}

// generateTests writes a test for each map, and returns them with the program that
// holds them: what is rewritten includes the tests, so that their migrated version
// comes from the same hand as that of the code.
func generateTests(prog *detect.Program, maps []*detect.Map) (*raceTests, *detect.Program, error) {
	rt := &raceTests{map[*detect.Map]*racetest.Test{}, map[*detect.Map]error{}}
	files := map[string][]byte{}
	owner := map[string]*detect.Map{}
	gen := racetest.New(prog, racetest.Options{})
	for _, m := range maps {
		t, err := gen.Generate(m)
		if err != nil {
			rt.why[m] = err
			continue
		}
		rt.tests[m] = t
		name := filepath.Join(prog.Dir, filepath.FromSlash(t.File))
		files[name], owner[name] = t.Source, m
	}
	for len(files) > 0 {
		next, err := prog.AddTests(files)
		if err != nil {
			return nil, nil, err
		}
		broken := 0
		for _, te := range next.Errors(prog) {
			name := next.Fset.Position(te.Pos).Filename
			if m := owner[name]; m != nil && files[name] != nil {
				rt.why[m] = fmt.Errorf("the generated test does not type-check (a bug in mapmigrate): %s", te.Msg)
				delete(rt.tests, m)
				delete(files, name)
				broken++
			}
		}
		if broken == 0 {
			return rt, next, nil
		}
	}
	return rt, prog, nil
}

// record returns what the plan says of the test of a site's maps: one that calls the
// program, if any of them has one. after holds the migrated files by their path.
func (rt *raceTests) record(maps []*detect.Map, refused bool, after map[string][]byte) *plans.RaceTest {
	if rt == nil {
		return nil
	}
	var best *racetest.Test
	for _, m := range maps {
		if t := rt.tests[m]; t != nil && (best == nil || best.Level != racetest.Program && t.Level == racetest.Program) {
			best = t
		}
	}
	if best == nil {
		for _, m := range maps {
			if err := rt.why[m]; err != nil {
				return &plans.RaceTest{Reason: err.Error()}
			}
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

func describeTest(t *plans.RaceTest) string {
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
	return s
}

func newVerify(e *env) *cobra.Command {
	opts := racetest.RunOptions{}
	cmd := &cobra.Command{
		Use:   "verify [sites]",
		Short: "Run the race tests on the code as it is and as it would be",
		Long: `verify runs the race test of each site of the saved plan twice: on the code as it is,
where it should fail, and on the migrated code, where it should pass. Only a test of
the level "program", which calls your own functions, proves something about the
program; one of the level "map" checks the new form alone. The outcomes go into the
plan.

Your files are not touched: the tests and the migrated code are laid over them. The
tests run your code with the race detector, which needs a C compiler.`,
		Example: `  mapmigrate verify
  mapmigrate verify chathub.Hub.rooms --count=5`,
		RunE: e.start(func(cmd *cobra.Command, args []string, dir string) error {
			p, err := plans.Open(dir)
			if err != nil {
				return err
			}
			ids, err := p.Select(args...)
			if err != nil {
				return err
			}
			return e.verify(cmd.Context(), dir, p, ids, opts)
		}),
	}
	fl := cmd.Flags()
	fl.IntVar(&opts.Count, "count", 1, "run each test this often")
	fl.DurationVar(&opts.Timeout, "timeout", 30*time.Second, "limit for one run of one test")
	fl.StringVar(&opts.Tags, "tags", "", "build tags, separated by commas")
	return cmd
}

// verify runs the tests of the sites (all, if none is named) and keeps the outcomes.
func (e *env) verify(ctx context.Context, dir string, p *plans.Plan, ids []string, opts racetest.RunOptions) error {
	var sites []*plans.Site
	var migrate []string
	for _, s := range p.Sites {
		named := len(ids) == 0
		for _, id := range ids {
			named = named || id == s.ID
		}
		switch {
		case !named || s.RaceTest == nil || s.RaceTest.File == "":
			continue
		case s.Status == plans.Applied:
			fmt.Fprintf(e.stderr, "mapmigrate: %s is applied, so there is no code before it to run: undo first\n", s.Name)
			continue
		case s.Status == plans.Proposed || s.Status == plans.Approved:
			migrate = append(migrate, p.Unit(s.ID)...)
		}
		sites = append(sites, s)
	}
	if len(sites) == 0 {
		fmt.Fprintln(e.stdout, "No site has a race test to run.")
		return nil
	}
	migrated, err := p.Compose(os.DirFS(dir), migrate)
	if err != nil {
		return err
	}
	after := map[string][]byte{}
	for file, text := range migrated {
		after[filepath.Join(dir, filepath.FromSlash(file))] = text
	}
	var pairs []racetest.Pair
	for _, s := range sites {
		pairs = append(pairs, racetest.Pair{Test: testOf(s)})
		if s.Status == plans.Proposed || s.Status == plans.Approved {
			pairs[len(pairs)-1].After = []byte(s.RaceTest.AfterSource)
		}
	}
	pr := newProgress(e.stderr)
	defer pr.end()
	pr.step("running race tests")
	opts.Progress = pr.count
	verdicts, err := racetest.Verify(ctx, dir, nil, after, pairs, opts)
	if err != nil {
		return err
	}
	pr.end()
	for i, s := range sites {
		v := &verdicts[i]
		s.RaceTest.Before, s.RaceTest.After = v.Record.Before, v.Record.After
		if v.Record.Before == racetest.Failed && v.Record.Level == racetest.Program {
			confirm(s)
		}
	}
	p.Recount()
	if err := save(dir, p); err != nil {
		return err
	}
	return printVerdicts(e.stdout, sites, verdicts)
}

// testOf makes the test of a site runnable again from what the plan holds.
func testOf(s *plans.Site) *racetest.Test {
	r := s.RaceTest
	t := &racetest.Test{
		File: r.File, Name: r.Name, Level: r.Level, Form: r.Form, Seed: r.Seed,
		Package: s.Package, Source: []byte(r.BeforeSource), Reason: r.Reason,
	}
	for _, f := range s.Findings {
		for _, a := range f.Accesses {
			t.Places = append(t.Places, evidence.Place{File: a.Pos.File, Line: a.Pos.Line})
		}
	}
	return t
}

// confirm raises what the failing test proves: the site's first, loud finding.
func confirm(s *plans.Site) {
	if len(s.Findings) > 0 && !detect.Category(s.Findings[0].Category).Quiet() {
		s.Findings[0].Confidence = string(detect.Confirmed)
	}
}

// printVerdicts writes a table, and fails when migrated code did not pass.
func printVerdicts(w io.Writer, sites []*plans.Site, verdicts []racetest.Verdict) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SITE\tTEST\tBEFORE\tAFTER\t")
	proven, bad := 0, 0
	for i, s := range sites {
		v := &verdicts[i]
		after, says := v.Record.After, ""
		switch {
		case after == "":
			after, says = "-", "not migrated"
		case v.Proven():
			says = "proven"
			proven++
		case after != racetest.Passed:
			says = v.After.Detail
			bad++
		case v.Record.Level != racetest.Program && v.Record.Before == racetest.Failed:
			says = "the new form holds; nothing is shown about the program"
		case v.Record.Before != racetest.Failed:
			says = v.Before.Detail
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", s.Name, v.Record.Level, v.Record.Before, after, says)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d of %s proven: failed before, passes after.\n", proven, plural(len(sites), "site"))
	if bad > 0 {
		return errors.New("not every test passes on the migrated code: do not apply those sites, and please report them")
	}
	return nil
}
