// This file runs the pipeline: load → analyse → advise → rewrite → plan.

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
	"github.com/mapmigrate/mapmigrate/rewrite/racetest"
)

// Scopes: which maps become sites.
const (
	scopeFindings = "findings" // what a finding of the asked confidence names
	scopeNested   = "nested"   // and every nested map
	scopeAll      = "all"      // and every other
)

// confidences that --min-confidence accepts, weakest first.
var confidences = []string{string(detect.Low), string(detect.Medium), string(detect.High), string(detect.Confirmed)}

// runtimes that --runtime accepts.
var runtimes = []string{"plain", "fast", "std"}

// planFlags are the choices of a run that plans.
type planFlags struct {
	strategy       string
	scope          string
	minConfidence  string
	runtime        string
	tags           string
	tests          bool
	allowAPIChange bool
	strictLines    bool
	pruneEmptyRows bool
	dropLocks      bool
	evidence       []string // files: race logs, crash traces, profiles
	evidenceAll    bool     // also maps that the logs do not name
	noRaceTests    bool
	framework      string // of generated tests
	config         string // file, "" for the module's
	baseline       string // file, "" for none
	updateBaseline bool

	settings *detect.Settings // see configure
	accepted *baseline        // what the baseline file holds, nil when none is used
}

func (f *planFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.strategy, "strategy", advise.Auto, "target form: "+strings.Join(advise.Strategies(), ", "))
	fl.StringVar(&f.scope, "scope", scopeFindings, "which maps: findings, nested (these and every nested map), all")
	fl.StringVar(&f.minConfidence, "min-confidence", string(detect.Medium), "findings to act on: "+strings.Join(confidences, ", "))
	fl.StringVar(&f.runtime, "runtime", "plain", "plain (a package in internal/safemap), fast (the same, its Sharded with lock-free reads and unsafe inside) or std (sync.Map itself, with --strategy=syncmap)")
	fl.StringVar(&f.tags, "tags", "", "build tags, separated by commas")
	fl.BoolVar(&f.tests, "tests", false, "also act on maps that are declared in test files")
	fl.BoolVar(&f.allowAPIChange, "allow-api-change", false, "exported API of packages that others can import may change")
	fl.StringArrayVar(&f.evidence, "evidence", nil, "race log, crash trace, or CPU, mutex or block profile: a `file`, - for standard input; repeatable")
	fl.BoolVar(&f.evidenceAll, "evidence-all", false, "with logs in --evidence: also maps that they say nothing about")
	fl.StringVar(&f.config, "config", "", "read the configuration from `file` instead of "+detect.ConfigFile+" in the module's root")
	fl.BoolVar(&f.noRaceTests, "no-race-tests", false, "generate no tests, so that apply adds none")
	fl.StringVar(&f.framework, "framework", racetest.Testing, "generated tests: testing, or gocheck (a gopkg.in/check.v1 suite, where the module requires that)")
	fl.BoolVar(&f.dropLocks, "drop-locks", false, "remove a lock that guarded nothing but maps that lock themselves now")
	fl.BoolVar(&f.pruneEmptyRows, "prune-empty-rows", false, "a delete that takes the last entry of a nested map's row removes the row, where nothing counts on it")
	fl.BoolVar(&f.strictLines, "strict-lines", false, "do not even re-align white space outside the rewritten code")
}

func (f *planFlags) check() error {
	for _, err := range []error{
		oneOf("strategy", f.strategy, advise.Strategies()...),
		oneOf("scope", f.scope, scopeFindings, scopeNested, scopeAll),
		oneOf("min-confidence", f.minConfidence, confidences...),
		oneOf("framework", f.framework, racetest.Testing, racetest.Gocheck),
		oneOf("runtime", f.runtime, runtimes...),
	} {
		if err != nil {
			return err
		}
	}
	if f.runtime == "std" && f.strategy != advise.SyncMap {
		return usagef("--runtime=std emits sync.Map itself: it goes with --strategy=syncmap only")
	}
	return nil
}

func (f *planFlags) rewriteOptions(pr *progress) rewrite.Options {
	return rewrite.Options{
		FastRuntime:    f.runtime == "fast",
		StdRuntime:     f.runtime == "std",
		AllowAPIChange: f.allowAPIChange,
		PruneEmptyRows: f.pruneEmptyRows,
		DropLocks:      f.dropLocks,
		StrictLines:    f.strictLines,
		Tags:           f.tags,
		Progress:       pr.count,
	}
}

// load reads the module at dir with its tests and all that emitted code will import.
func load(dir string, patterns []string, tags string, extra ...string) (*detect.Program, error) {
	prog, err := detect.Load(detect.Config{
		Dir: dir, Patterns: patterns, Tags: tags,
		Tests: true,
		Extra: append(rewrite.RuntimeImports(), extra...),
	})
	return prog, ours("loading packages", err)
}

// makePlan plans the migration of the packages; it writes nothing but the cache. It
// returns the module's folder with the plan.
func (e *env) makePlan(ctx context.Context, patterns []string, f *planFlags) (*plans.Plan, string, error) {
	pr := newProgress(e.stderr)
	defer pr.end()

	pr.step("listing packages")
	withTests := !f.noRaceTests
	extra := rewrite.RuntimeImports()
	if withTests {
		extra = append(extra, testImports...)
		more, err := frameworkImports(e.dir, f.framework)
		if err != nil {
			return nil, "", err
		}
		extra = append(extra, more...)
	}
	prog, err := detect.Open(ctx, detect.Config{Dir: e.dir, Patterns: patterns, Tags: f.tags, Tests: true, Extra: extra})
	if err != nil {
		return nil, "", ours("listing packages", err)
	}
	memo := newPlanCache(prog, f, withTests)
	if p := memo.get(); p != nil {
		return p, prog.Dir, nil
	}
	if f.scope == scopeAll {
		tuneMemoryForAll()
	}
	pr.step("following goroutines and locks")
	found, err := detect.Analyze(prog, detect.Options{Tests: f.tests, Progress: pr.count, Knowledge: f.knowledge(), AllOdd: f.accepted != nil, Cache: memo.cache})
	if err != nil {
		return nil, "", ours("analysing "+prog.Module, err)
	}
	p, err := e.planFor(ctx, pr, prog, found, f, withTests)
	if err != nil {
		return nil, "", err
	}
	memo.put(p)
	return p, prog.Dir, nil
}

// planFor decides about the maps that detection found, and rewrites them in memory.
func (e *env) planFor(ctx context.Context, pr *progress, prog *detect.Program, found *detect.Result, f *planFlags, withTests bool) (*plans.Plan, error) {
	if len(f.evidence) > 0 { // is about lines of code
		if err := prog.Complete(); err != nil {
			return nil, ours("loading packages", err)
		}
	}
	fx, err := e.readEvidence(prog, found, f.evidence)
	if err != nil {
		return nil, err
	}
	b := &builder{prog: prog, strategy: f.strategy, advice: map[*detect.Map]advise.Advice{}, facts: fx}
	if b.screen, err = e.screen(prog, found, f, b); err != nil {
		return nil, err
	}
	b.candidates, b.total = selectMaps(prog, found, f, fx, b.screen)

	pr.step("choosing forms")
	var requests []rewrite.Request
	for _, m := range b.candidates {
		a := advise.Choose(m, advise.Options{Strategy: f.strategy, Force: f.scope == scopeAll, Dir: prog.Dir, Maps: found.Maps})
		a = fx.weigh(m, a)
		b.advice[m] = a
		if len(a.Refusals) == 0 {
			req := rewrite.Request{Map: m, Strategy: a.Strategy}
			if f.strategy == advise.Auto && f.scope == scopeFindings {
				req.Otherwise = rewrite.Mutex
			}
			requests = append(requests, req)
		}
	}
	out := &rewrite.Output{}
	if len(b.candidates) > 0 {
		// From here on it takes the whole module: a rewrite has to know every use.
		pr.step("loading packages")
		if err := prog.Complete(); err != nil {
			return nil, ours("loading packages", err)
		}
		if withTests {
			pr.step("writing race tests")
			b.tests = generateTests(prog, b.candidates, f)
			if len(requests) == 0 { // else rewriting does it
				if _, err := b.tests.overlay(); err != nil {
					return nil, ours("writing race tests", err)
				}
			}
		}
		if len(requests) > 0 {
			pr.step("rewriting")
			opts := f.rewriteOptions(pr)
			opts.Maps = found.Maps
			if withTests {
				out, err = b.tests.rewrite(ctx, requests, opts)
			} else {
				out, err = rewrite.Rewrite(ctx, prog, requests, opts)
			}
			if err != nil {
				return nil, ours("rewriting "+prog.Module, err)
			}
		}
	}
	pr.step("making the plan")
	p, err := b.plan(out)
	if err != nil {
		return nil, ours("making the plan", err)
	}
	if err := p.Seal(os.DirFS(prog.Dir), plans.RepoPrefix(prog.Dir)); err != nil {
		return nil, ours("sealing the plan", err)
	}
	return p, nil
}

// selectMaps returns the maps of the asked packages that the flags make sites, and
// how many maps there are. A map that another package declares belongs to it when the
// asked packages race on it.
func selectMaps(prog *detect.Program, found *detect.Result, f *planFlags, fx *facts, s *screen) (selected []*detect.Map, total int) {
	matched, dirs := map[string]bool{}, map[string]bool{}
	for _, p := range prog.Packages {
		if p.Matched {
			matched[p.Path] = true
			dirs[p.Dir] = true
		}
	}
	for _, m := range found.Maps {
		if !matched[m.Package] && !racedIn(m, dirs) || !f.tests && strings.HasSuffix(m.Pos.Filename, "_test.go") || f.ignores(prog.Dir, m.Pos.Filename) {
			continue
		}
		total++
		switch {
		case !f.evidenceAll && !fx.selects(m):
		case (m.Ignored || s.baselined[m]) && !fx.shown(m): // accepted, whatever the scope
		case fx.shown(m),
			f.scope == scopeAll,
			f.scope == scopeNested && m.Nested,
			slices.ContainsFunc(m.Findings, func(fd detect.Finding) bool {
				return !fd.Category.Quiet() && fd.Confidence.Rank() >= detect.Confidence(f.minConfidence).Rank()
			}):
			selected = append(selected, m)
		}
	}
	return selected, total
}

// racedIn reports whether a finding's accesses lie in one of the folders.
func racedIn(m *detect.Map, dirs map[string]bool) bool {
	return slices.ContainsFunc(m.Findings, func(f detect.Finding) bool {
		return !f.Category.Quiet() && f.Confidence.Rank() >= detect.Medium.Rank() &&
			slices.ContainsFunc(f.Accesses, func(a detect.Access) bool { return dirs[filepath.Dir(a.Pos.Filename)] })
	})
}

// incomplete names the packages that could not be analysed.
func incomplete(prog *detect.Program) []string {
	var names []string
	for _, p := range prog.Broken() {
		reason := ""
		if len(p.Errors) > 0 {
			reason = ": " + p.Errors[0].Msg
		}
		names = append(names, fmt.Sprintf("%s does not type-check%s", p.ID, reason))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
