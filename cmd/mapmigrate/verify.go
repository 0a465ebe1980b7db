// This file defines the verify command.

package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/evidence"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
	"github.com/mapmigrate/mapmigrate/rewrite/racetest"
)

// verifyFlags are the choices of a run of verify.
type verifyFlags struct {
	racetest.RunOptions
	tries        int // tests to try for a site whose race does not show
	existing     bool
	existingTime time.Duration
}

func newVerify(e *env) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [sites]",
		Short: "Run the race tests on the code as it is and as it would be",
		Long: `verify runs the race test of each site of the saved plan twice: on the code as it is,
where it should fail, and on the migrated code, where it should pass. Only a test of
the level "program", which calls your own functions, proves something about the
program; one of the level "map" checks the new form alone. Where a test does not
reproduce the race, others are tried: another way in, an entry to begin with, stress.

A site that no finding names has no race to show. Its test, which verify writes, takes one
goroutine through the operations of the map: it passes on both versions.

Sites that take compound steps (get-or-create, read-modify-write) are also run in
every order of their operations on the map, on an instrumented copy of the runtime.

With --existing the packages' own tests run on both versions too, with the race
detector, and differences are reported. The outcomes go into the plan.

Your files are not touched: the tests and the migrated code are laid over them. The
tests run your code with the race detector, which needs a C compiler.`,
		Example: `  mapmigrate verify
  mapmigrate verify chathub.Hub.rooms --count=5
  mapmigrate verify --existing`,
		RunE: e.start(func(cmd *cobra.Command, args []string, dir string) error {
			p, err := plans.Open(dir)
			if err != nil {
				return err
			}
			ids, err := p.Select(args...)
			if err != nil {
				return err
			}
			return e.verify(cmd.Context(), dir, p, ids, &f)
		}),
	}
	fl := cmd.Flags()
	fl.IntVar(&f.Count, "count", 1, "run each test this often")
	fl.DurationVar(&f.Timeout, "timeout", 30*time.Second, "limit for one run of one test")
	fl.IntVar(&f.Parallel, "parallel", 0, "builds and tests at once (0: as many as GOMAXPROCS)")
	fl.IntVar(&f.tries, "tries", 13, "tests to try for a site whose race does not show")
	fl.BoolVar(&f.existing, "existing", false, "also run the packages' own tests on both versions")
	fl.DurationVar(&f.existingTime, "existing-timeout", 10*time.Minute, "limit for the own tests of one package")
	fl.StringVar(&f.Tags, "tags", "", "build tags, separated by commas")
	return cmd
}

// migrates reports whether a site has a migrated version to run.
func migrates(s *plans.Site) bool { return s.Status == plans.Proposed || s.Status == plans.Approved }

// verify runs the tests of the sites (all, if none is named) and keeps the outcomes.
func (e *env) verify(ctx context.Context, dir string, p *plans.Plan, ids []string, f *verifyFlags) error {
	var sites []*plans.Site
	var migrate []string
	for _, s := range p.Sites {
		switch {
		case len(ids) > 0 && !slices.Contains(ids, s.ID), s.RaceTest == nil, s.RaceTest.File == "" && !unwritten(s.RaceTest):
			continue
		case s.Status == plans.Applied:
			fmt.Fprintf(e.stderr, "mapmigrate: %s is applied, so there is no code before it to run: undo first\n", s.Name)
			continue
		case migrates(s):
			migrate = append(migrate, p.Unit(s.ID)...)
		}
		sites = append(sites, s)
	}
	if len(sites) == 0 {
		fmt.Fprintln(e.stdout, "No site has a race test to run.")
		return nil
	}
	after, err := e.migrated(dir, p, migrate)
	if err != nil {
		return err
	}
	pr := newProgress(e.stderr)
	defer pr.end()
	src := &source{dir: dir, tags: f.Tags}
	if sites, err = writeUnwritten(ctx, pr, src, p, sites); err != nil {
		return err
	}
	f.Progress = pr.count
	if p.Runtime.Dir != "" {
		f.Runtime = filepath.Join(dir, filepath.FromSlash(p.Runtime.Dir))
	}
	pr.step("running race tests")
	verdicts, err := racetest.Verify(ctx, dir, nil, after, pairsOf(sites), f.RunOptions)
	if err != nil {
		return err
	}
	if f.tries > 1 { // what has been shown counts, whatever becomes of this
		if err := e.tryOthers(ctx, src, p, after, sites, verdicts, f, pr); err != nil {
			fmt.Fprintf(e.stderr, "mapmigrate: no other tests are tried: %v\n", err)
		}
	}
	var diffs []racetest.Difference
	if f.existing && len(migrate) > 0 {
		pr.step("running the packages' own tests on both versions")
		if diffs, err = racetest.Existing(ctx, dir, after, packagesOf(dir, sites, after), f.Tags, f.existingTime); err != nil {
			return err
		}
	}
	pr.end()
	for i, s := range sites {
		keep(dir, p, s, &verdicts[i])
	}
	p.Recount()
	if err := save(dir, p); err != nil {
		return err
	}
	err = printVerdicts(e.stdout, sites, verdicts)
	if f.existing {
		err = errors.Join(err, printDifferences(e.stdout, diffs))
	}
	return err
}

// migrated composes the sites' files, by absolute path, without their race tests.
func (e *env) migrated(dir string, p *plans.Plan, ids []string) (map[string][]byte, error) {
	files, err := p.Compose(os.DirFS(dir), ids)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Sites {
		if s.RaceTest != nil {
			delete(files, s.RaceTest.File) // each is laid over by itself
		}
	}
	after := map[string][]byte{}
	for file, text := range files {
		after[filepath.Join(dir, filepath.FromSlash(file))] = text
	}
	return after, nil
}

// pairsOf makes the tests of sites runnable again from what the plan holds.
func pairsOf(sites []*plans.Site) []racetest.Pair {
	var pairs []racetest.Pair
	for _, s := range sites {
		pair := racetest.Pair{Test: testOf(s)}
		if migrates(s) {
			pair.After = []byte(s.RaceTest.AfterSource)
			if a := s.RaceTest.Atomicity; a != nil {
				pair.Interleave = &racetest.Test{
					File: a.File, Name: a.Name, Level: racetest.Program, Form: racetest.Interleaved,
					Package: packageOf(a.File), Source: []byte(a.Source),
				}
			}
		}
		pairs = append(pairs, pair)
	}
	return pairs
}

func testOf(s *plans.Site) *racetest.Test {
	r := s.RaceTest
	t := &racetest.Test{
		File: r.File, Name: r.Name, Level: r.Level, Form: r.Form, Seed: r.Seed,
		Package: packageOf(r.File), Source: []byte(r.BeforeSource), Reason: r.Reason,
	}
	for _, p := range r.Places {
		t.Places = append(t.Places, evidence.Place{File: p.File, Line: p.Line})
	}
	if len(r.Places) == 0 { // a plan of before these were kept
		for _, f := range s.Findings {
			for _, a := range f.Accesses {
				t.Places = append(t.Places, evidence.Place{File: a.Pos.File, Line: a.Pos.Line})
			}
		}
	}
	return t
}

// packageOf names the package of a file of the module, for the go command. It need not
// be the site's: a test lives where it can call what it needs.
func packageOf(file string) string { return "./" + path.Dir(file) }

// tryOthers looks for another test for the sites whose own did not show the race, runs
// those that do on the migrated code too, and puts their verdicts in place.
func (e *env) tryOthers(ctx context.Context, src *source, p *plans.Plan, after map[string][]byte, sites []*plans.Site, verdicts []racetest.Verdict, f *verifyFlags, pr *progress) error {
	var index []int
	for i, s := range sites {
		loud := len(s.Findings) > 0 && !detect.Category(s.Findings[0].Category).Quiet()
		v := &verdicts[i]
		shown := v.Before.Result == racetest.Failed && (v.After.Result == racetest.Passed || len(v.Before.Elsewhere) == 0)
		if loud && v.Record.Level == racetest.Program && !shown {
			index = append(index, i)
		}
	}
	if len(index) == 0 {
		return nil
	}
	pr.step("trying other tests")
	var about []*plans.Site
	for _, i := range index {
		about = append(about, sites[i])
	}
	if err := src.load(about); err != nil {
		return err
	}
	var maps []*detect.Map
	var of []int
	for _, i := range index {
		if m := mapOf(src.found.Maps, sites[i]); m != nil {
			maps, of = append(maps, m), append(of, i)
		}
	}
	opts := f.RunOptions
	opts.Progress = nil
	others, err := racetest.New(src.prog, racetest.Options{}).Reproduce(ctx, maps, nil, f.tries, opts)
	if err != nil {
		return err
	}
	var again []*plans.Site
	var where []int
	rt := newRaceTests(src.prog, racetest.Options{})
	for k, r := range others {
		s := sites[of[k]]
		if r.Outcome.Result != racetest.Failed || r.Test.Level != racetest.Program || string(r.Test.Source) == s.RaceTest.BeforeSource {
			continue
		}
		dropRaceTests(p, s.ID)
		rt.tests[maps[k]] = r.Test
		again, where = append(again, s), append(where, of[k])
	}
	if len(again) == 0 {
		return nil
	}
	own := map[*plans.Site]*plans.RaceTest{}
	for _, s := range again {
		own[s] = s.RaceTest
	}
	if err := rt.migrate(ctx, src, p, again); err != nil {
		return err
	}
	for s, r := range own {
		if s.RaceTest == nil || s.RaceTest.File == "" { // the other has no migrated version
			s.RaceTest = r
		}
		s.RaceTest.Atomicity = r.Atomicity
	}
	more, err := racetest.Verify(ctx, src.dir, nil, after, pairsOf(again), f.RunOptions)
	if err != nil {
		return err
	}
	for k, i := range where {
		verdicts[i] = more[k]
	}
	return nil
}

// mapOf returns the map that a site is named after: its id is the beginning of the hash
// of the map's key.
func mapOf(maps []*detect.Map, s *plans.Site) *detect.Map {
	for _, m := range maps {
		sum := sha256.Sum256([]byte(m.Key))
		if strings.HasPrefix(hex.EncodeToString(sum[:]), s.ID) {
			return m
		}
	}
	return nil
}

// A source is the module of a plan, loaded and analysed when a part of verify needs it.
type source struct {
	dir, tags string

	prog  *detect.Program
	found *detect.Result
}

// load reads the module, or the packages about the sites: a plan may be one of some packages
// because others do not build.
func (s *source) load(about []*plans.Site) error {
	if s.found != nil {
		return nil
	}
	prog, err := load(s.dir, nil, s.tags, testImports...)
	if err != nil {
		if prog, err = load(s.dir, packagesAbout(about), s.tags, testImports...); err != nil {
			return err
		}
	}
	found, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		return ours("analysing "+prog.Module, err)
	}
	s.prog, s.found = prog, found
	return nil
}

// writeUnwritten writes the tests that the plan left to verify, and returns the sites without
// those for which there is none; the plan says why.
func writeUnwritten(ctx context.Context, pr *progress, src *source, p *plans.Plan, sites []*plans.Site) ([]*plans.Site, error) {
	var todo []*plans.Site
	for _, s := range sites {
		if unwritten(s.RaceTest) {
			todo = append(todo, s)
		}
	}
	if len(todo) == 0 {
		return sites, nil
	}
	pr.step("writing tests")
	if err := src.load(todo); err != nil {
		return nil, err
	}
	rt := newRaceTests(src.prog, racetest.Options{})
	for _, s := range todo {
		if m := mapOf(src.found.Maps, s); m != nil {
			rt.keep(m)(rt.gen.Behaviour(m))
		}
	}
	if err := rt.migrate(ctx, src, p, todo); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(sites), func(s *plans.Site) bool { return s.RaceTest == nil || s.RaceTest.File == "" }), nil
}

// migrate makes the tests the sites', with their migrated version: the program with them in
// it goes through rewrite as a whole, as it did when the plan was made.
func (rt *raceTests) migrate(ctx context.Context, src *source, p *plans.Plan, sites []*plans.Site) error {
	var requests []rewrite.Request
	for _, s := range p.Sites {
		if m := mapOf(src.found.Maps, s); m != nil && migrates(s) {
			requests = append(requests, rewrite.Request{Map: m, Strategy: s.Strategy.Name})
		}
	}
	out, err := rt.rewrite(ctx, requests, rewrite.Options{
		Maps: src.found.Maps, Tags: src.tags, AllowAPIChange: true, StdRuntime: p.Runtime.Dir == "", SkipCompile: true,
	})
	if err != nil {
		return ours("rewriting race tests", err)
	}
	for _, s := range sites {
		s.RaceTest = nil
		if m := mapOf(src.found.Maps, s); m != nil {
			s.RaceTest = rt.record([]*detect.Map{m}, !migrates(s), out.Files)
		}
	}
	return nil
}

// keep records a verdict in the plan, and leaves to apply only tests that show something.
func keep(dir string, p *plans.Plan, s *plans.Site, v *racetest.Verdict) {
	r := s.RaceTest
	r.Before, r.After = v.Record.Before, v.Record.After
	r.Runs, r.BeforeFailed = v.Before.Runs, v.Before.Failed
	r.BeforeDetail, r.AfterDetail = "", ""
	if r.Before != racetest.Failed {
		r.BeforeDetail = v.Before.Detail
	}
	if r.After != racetest.Passed {
		r.AfterDetail = v.After.Detail
	}
	r.Leaks = slices.Compact(slices.Sorted(slices.Values(slices.Concat(v.Before.Leaks, v.After.Leaks))))
	if r.Atomicity != nil {
		r.Atomicity.Result, r.Atomicity.Detail = v.Atomic.Result, v.Atomic.Detail
	}
	if r.Before == racetest.Failed && r.Level == racetest.Program {
		confirm(s)
	}
	dropRaceTests(p, s.ID)
	if v.Proven() {
		addRaceTest(dir, p, s)
	}
}

// confirm raises what the failing test proves: the site's first, loud finding.
func confirm(s *plans.Site) {
	if len(s.Findings) > 0 && !detect.Category(s.Findings[0].Category).Quiet() {
		s.Findings[0].Confidence, s.Findings[0].Doubt = string(detect.Confirmed), ""
	}
}

// packagesAbout lists the packages that the findings of sites lead through.
func packagesAbout(sites []*plans.Site) []string {
	var out []string
	for _, s := range sites {
		out = append(out, packageOf(s.Pos.File))
		for _, f := range s.Findings {
			for _, a := range f.Accesses {
				out = append(out, packageOf(a.Pos.File))
				for _, step := range a.Path {
					out = append(out, packageOf(step.Pos.File))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// packagesOf lists the packages that sites are in or that migration changes.
func packagesOf(dir string, sites []*plans.Site, after map[string][]byte) []string {
	var out []string
	for _, s := range sites {
		if migrates(s) {
			out = append(out, packageOf(s.Pos.File))
		}
	}
	for file := range after {
		if rel, err := filepath.Rel(dir, file); err == nil {
			if _, err := os.Stat(filepath.Dir(file)); err == nil { // not the runtime's, which is new
				out = append(out, packageOf(filepath.ToSlash(rel)))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// printVerdicts writes a table, and fails when migrated code did not pass.
func printVerdicts(w io.Writer, sites []*plans.Site, verdicts []racetest.Verdict) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SITE\tTEST\tBEFORE\tAFTER\tSTEPS\t")
	proven, bad, byHand := 0, 0, 0
	for i, s := range sites {
		v := &verdicts[i]
		after, says := v.Record.After, ""
		switch {
		case after == "":
			after, says = "-", "not migrated"
			switch {
			case v.Record.Before != racetest.Failed:
				says += "; " + v.Before.Detail
			case v.Record.Level == racetest.Program:
				byHand++
			}
		case v.Proven():
			says = "proven"
			proven++
		case s.RaceTest.Form == racetest.Behaviour && v.Record.Before == racetest.Passed && after == racetest.Passed:
			says = "the map behaves as before"
		case after == racetest.NotReproduced && len(v.Before.Elsewhere) > 0 && len(v.After.Elsewhere) > 0:
			says = "the test meets another race, too, on both versions: " + v.After.Elsewhere[0]
		case after == racetest.NotReproduced && v.After.Detail == v.Before.Detail:
			says = "the test fails on both versions: " + v.After.Detail
		case after != racetest.Passed:
			says = v.After.Detail
			bad++
		case v.Record.Level != racetest.Program && v.Record.Before == racetest.Failed:
			says = "the new form holds; nothing is shown about the program"
		case v.Record.Before != racetest.Failed:
			says = v.Before.Detail
		}
		if v.Before.Alone || v.After.Alone {
			says += "; built without the package's own tests, which do not build"
		}
		steps := cmp.Or(v.Atomic.Result, "-")
		if steps == racetest.Failed {
			says += "; " + v.Atomic.Detail
			bad++
		}
		if n := len(s.RaceTest.Leaks); n > 0 {
			says += "; leaves " + plural(n, "goroutine") + " behind: " + s.RaceTest.Leaks[0]
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, v.Record.Level, v.Record.Before, after, steps, printable(says))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d of %s proven: failed before, passes after.\n", proven, plural(len(sites), "site"))
	if byHand > 0 {
		fmt.Fprintf(w, "%s not migrated, with a race that its test shows: mapmigrate explain SITE --test prints the test, for mending by hand.\n", plural(byHand, "site"))
	}
	if bad > 0 {
		return errors.New("not every test passes on the migrated code: do not apply those sites, and please report them")
	}
	return nil
}

// printDifferences says what the packages' own tests make of the migration. It fails
// when one that passed before does not any more, and is not flaky.
func printDifferences(w io.Writer, diffs []racetest.Difference) error {
	if len(diffs) == 0 {
		fmt.Fprintln(w, "The packages' own tests say the same on both versions.")
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "OWN TEST\tBEFORE\tAFTER\t")
	worse := 0
	for _, d := range diffs {
		says := d.Detail
		if d.Flaky {
			says = "flaky: " + says
		} else if d.Before == "pass" {
			worse++
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", strings.TrimSpace(d.Package+" "+d.Test), d.Before, d.After, printable(says))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if worse > 0 {
		return fmt.Errorf("%s of the packages' own passed before and fails on the migrated code", plural(worse, "test"))
	}
	return nil
}
