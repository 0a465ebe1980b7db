// This file runs tests and judges what they say.

package racetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mapmigrate/mapmigrate/evidence"
	"github.com/mapmigrate/mapmigrate/plans"
)

// Outcomes of running a test, as [plans.RaceTest] records them.
const (
	Failed        = "failed"         // a race or a fatal error on the test's map
	Passed        = "passed"         // exit status 0, in every one of Count runs
	NotReproduced = "not-reproduced" // failed for another reason: a panic, another map
	TimedOut      = "timed-out"
	DidNotBuild   = "did-not-build"
	// NotComparable is for tests of form Interleaved only: no two runs of its calls give
	// the same, or they wait for each other, so that nothing is shown.
	NotComparable = "not-comparable"
)

// RunOptions say how to run tests. The zero value is right.
type RunOptions struct {
	Timeout  time.Duration // of one run of one test; 0 means 30 s
	Parallel int           // packages built and tests run at once; 0 means GOMAXPROCS
	Count    int           // runs of each test; 0 means 1. The test failed when any run did.
	Tags     string        // build tags
	// Migrated says that the overlay holds migrated code: the lines of a map's accesses
	// are followed into it, and a race inside the runtime (in Runtime) counts too.
	Migrated bool
	// Plain builds without the race detector: for tests of form Interleaved, which look at
	// results.
	Plain bool
	// Runtime is the folder (absolute) of the runtime in the migrated module: where the
	// twin goes. "" leaves tests of form Interleaved out.
	Runtime string
	// Progress is called with the number of tests done and in all; may be nil.
	Progress func(done, total int)
}

// An Outcome is the result of one test.
type Outcome struct {
	Test   *Test
	Result string   // Failed, Passed, NotReproduced, TimedOut or DidNotBuild
	Failed int      // of Runs
	Runs   int      // fewer than Count after a time-out
	Detail string   // one sentence
	Output string   // an excerpt
	Leaks  []string // goroutines that the test left behind: where each runs and who started it
	// Alone says that the test was built without the package's own tests, which do not build.
	Alone bool
	// Elsewhere are sentences for races that the test met and that are not on its map.
	Elsewhere []string
}

// A ToolError says that no test can run on this machine, and what to do.
type ToolError struct{ Message string }

func (e *ToolError) Error() string { return e.Message }

// Run runs tests of the module at dir with the race detector. overlay holds file
// contents by absolute path; it must hold the tests themselves (see [Overlay]).
// The working tree is not written to: every package's test binary is built in a
// temporary folder, once, and each test runs in a process of its own, so that
// the crash of one does not end another.
//
// Outcomes are in the order of tests. The error is about the run as a whole: the
// race detector cannot be used here, or ctx ended.
func Run(ctx context.Context, dir string, overlay map[string][]byte, tests []*Test, opts RunOptions) ([]Outcome, error) {
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	if opts.Parallel == 0 {
		opts.Parallel = runtime.GOMAXPROCS(0)
	}
	opts.Count = max(opts.Count, 1)
	tmp, err := os.MkdirTemp("", "mapmigrate-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if !opts.Plain {
		overlay = withLeakTests(dir, overlay, tests)
	}
	overlayFile, err := writeOverlay(tmp, overlay)
	if err != nil {
		return nil, err
	}
	if opts.Migrated {
		tests = follow(dir, overlay, tests)
	}

	outcomes := make([]Outcome, len(tests))
	groups := map[string][]int{} // by package
	var order []string
	for i, t := range tests {
		if groups[t.Package] == nil {
			order = append(order, t.Package)
		}
		groups[t.Package] = append(groups[t.Package], i)
	}
	var (
		mu     sync.Mutex
		done   int
		broken *ToolError
		slots  = make(chan struct{}, opts.Parallel)
		wg     sync.WaitGroup
	)
	finish := func(i int, o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		o.Test = tests[i]
		outcomes[i] = o
		done++
		if opts.Progress != nil {
			opts.Progress(done, len(tests))
		}
	}
	for n, pkg := range order {
		wg.Go(func() {
			slots <- struct{}{}
			bin, out, err := build(ctx, dir, overlayFile, filepath.Join(tmp, fmt.Sprintf("p%d.test", n)), pkg, opts)
			<-slots
			if err != nil {
				te := toolError(out, err)
				if te != nil {
					mu.Lock()
					broken = te
					mu.Unlock()
				}
				if ctx.Err() != nil || te != nil {
					for _, i := range groups[pkg] {
						finish(i, Outcome{Result: DidNotBuild, Detail: firstLine(out), Output: excerpt(out)})
					}
					return
				}
				for _, i := range groups[pkg] { // another test of the package may have spoiled it
					slots <- struct{}{}
					finish(i, alone(ctx, dir, overlay, tests, i, out, opts))
					<-slots
				}
				return
			}
			var inner sync.WaitGroup
			for _, i := range groups[pkg] {
				inner.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					finish(i, runOne(ctx, dir, bin, tests[i], opts))
				})
			}
			inner.Wait()
			os.Remove(bin)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if broken != nil {
		return nil, broken
	}
	return outcomes, nil
}

// follow returns copies of tests with the places of their maps in migrated code.
func follow(dir string, overlay map[string][]byte, tests []*Test) []*Test {
	out := make([]*Test, len(tests))
	for i, t := range tests {
		c := *t
		c.Places = moved(dir, t.Places, overlay)
		out[i] = &c
	}
	return out
}

// alone builds and runs one test without the other generated tests of its package, and if
// that does not build, without the package's own either: a helper that they import may be
// missing, or they may be broken. Migrated tests have to build where the original ones did.
// out is what building all of them said.
func alone(ctx context.Context, dir string, overlay map[string][]byte, tests []*Test, i int, out []byte, opts RunOptions) Outcome {
	fail := func(err error) Outcome { return Outcome{Result: DidNotBuild, Detail: err.Error()} }
	tmp, err := os.MkdirTemp("", "mapmigrate-verify-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(tmp)
	own := maps.Clone(overlay)
	for k, t := range tests {
		if k != i && t.Package == tests[i].Package && t.File != tests[i].File {
			delete(own, filepath.Join(dir, filepath.FromSlash(t.File)))
		}
	}
	var first []byte // why it does not build with the package's own tests
	for _, bare := range []bool{false, true} {
		if !bare && len(own) == len(overlay) {
			first = out // nothing is left out: the same as before
			continue
		}
		if bare && (opts.Migrated && !tests[i].alone || !hideTests(own, dir, tests[i])) {
			break
		}
		file, err := writeOverlay(tmp, own)
		if err != nil {
			return fail(err)
		}
		bin, out, err := build(ctx, dir, file, filepath.Join(tmp, "p.test"), tests[i].Package, opts)
		if err == nil {
			o := runOne(ctx, dir, bin, tests[i], opts)
			o.Alone = bare
			return o
		}
		if first == nil {
			first = out
		}
	}
	return Outcome{Result: DidNotBuild, Detail: firstLine(first), Output: excerpt(first)}
}

// hideTests takes the package's own test files out of an overlay's view, and reports whether
// there are any.
func hideTests(overlay map[string][]byte, dir string, t *Test) bool {
	folder := filepath.Join(dir, filepath.FromSlash(filepath.Dir(t.File)))
	onDisk, _ := filepath.Glob(filepath.Join(folder, "*_test.go")) // the pattern is well-formed, or matches nothing
	hidden := false
	for _, name := range onDisk {
		switch filepath.Base(name) {
		case filepath.Base(t.File), leakStartFile, leakEndFile:
		default:
			overlay[name], hidden = nil, true
		}
	}
	return hidden
}

// Overlay returns base with the tests' own files added, by absolute path.
func Overlay(dir string, base map[string][]byte, tests []*Test) map[string][]byte {
	out := make(map[string][]byte, len(base)+len(tests))
	for name, data := range base {
		out[name] = data
	}
	for _, t := range tests {
		out[filepath.Join(dir, filepath.FromSlash(t.File))] = t.Source
	}
	return out
}

// writeOverlay writes the contents and the file that names them for the go command. A nil
// content hides a file.
func writeOverlay(tmp string, overlay map[string][]byte) (string, error) {
	replace := make(map[string]string, len(overlay))
	i := 0
	for name, data := range overlay {
		if data == nil {
			replace[name] = ""
			continue
		}
		i++
		file := filepath.Join(tmp, fmt.Sprintf("f%d.go", i))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return "", err
		}
		replace[name] = file
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(tmp, "overlay.json")
	return file, os.WriteFile(file, data, 0o600)
}

// build compiles the test binary of a package.
func build(ctx context.Context, dir, overlay, bin, pkg string, opts RunOptions) (string, []byte, error) {
	// vet would look for a package that only the overlay has where it is not.
	args := []string{"test", "-c", "-vet=off", "-overlay=" + overlay, "-o", bin}
	if !opts.Plain {
		args = append(args, "-race")
	}
	if opts.Tags != "" {
		args = append(args, "-tags="+opts.Tags)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return bin, out, err
}

// toolError recognises failures that are the machine's, not the code's.
func toolError(out []byte, err error) *ToolError {
	text := string(out)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return &ToolError{"the go command is not on PATH: mapmigrate needs it to run race tests"}
	case strings.Contains(text, "-race requires cgo"):
		return &ToolError{"race tests need cgo, which is off: set CGO_ENABLED=1 and install a C compiler (gcc or clang)"}
	case strings.Contains(text, "C compiler") && strings.Contains(text, "not found"), strings.Contains(text, `"gcc": executable file not found`):
		return &ToolError{"race tests need a C compiler, and none was found: install gcc or clang, or set CC"}
	case strings.Contains(text, "-race is not supported on"), strings.Contains(text, "-race is only supported on"):
		return &ToolError{"the race detector does not exist for this platform: run `mapmigrate verify` on one that has it (linux/amd64, say)"}
	}
	return nil
}

// runOne runs a test Count times in its package's folder.
func runOne(ctx context.Context, dir, bin string, t *Test, opts RunOptions) Outcome {
	o := Outcome{Result: Passed}
	for range opts.Count {
		o.Runs++
		res, detail, out, elsewhere := runOnce(ctx, dir, bin, t, opts)
		for _, l := range elsewhere {
			if !slices.Contains(o.Elsewhere, l) {
				o.Elsewhere = append(o.Elsewhere, l)
			}
		}
		for _, l := range leaks(out) {
			if !slices.Contains(o.Leaks, l) {
				o.Leaks = append(o.Leaks, l)
			}
		}
		if res == Passed {
			continue
		}
		if res == Failed {
			o.Failed++
		}
		if o.Result == Passed || res == Failed && o.Result != Failed {
			o.Result, o.Detail, o.Output = res, detail, excerpt(out)
		}
		if res == TimedOut {
			break // the others would take as long
		}
	}
	if o.Result == Passed {
		o.Detail = "no race and no failure"
	}
	return o
}

func runOnce(ctx context.Context, dir, bin string, t *Test, opts RunOptions) (result, detail string, out []byte, elsewhere []string) {
	// The binary's own time-out prints stacks; ours is for one that does not even get there.
	run, cancel := context.WithTimeout(ctx, opts.Timeout+5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(run, bin, "-test.run=^("+strings.Join([]string{leakStart, t.Name, leakEnd}, "|")+")$", "-test.count=1", "-test.v=true", "-test.timeout="+opts.Timeout.String())
	cmd.Dir = filepath.Join(dir, filepath.FromSlash(filepath.Dir(t.File)))
	// A passing -race binary would sleep for a second at exit.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 halt_on_error=0", "PWD="+cmd.Dir)
	cmd.WaitDelay = time.Second
	var buf limited
	cmd.Stdout, cmd.Stderr = &buf, &buf
	err := cmd.Run()
	out = buf.Bytes()
	if t.Form == Interleaved {
		result, detail = interleaved(t, out, err, run.Err() != nil)
		return result, detail, out, nil
	}
	result, detail, elsewhere, vague := t.judge(evidence.Parse(out), opts)
	if result == Failed {
		return result, detail, out, elsewhere
	}
	switch {
	case run.Err() != nil || bytes.Contains(out, []byte("panic: test timed out after")):
		return TimedOut, fmt.Sprintf("no end after %s", opts.Timeout), out, elsewhere
	case err == nil && !bytes.Contains(out, []byte("--- PASS: "+t.Name)) && !bytes.Contains(out, []byte("--- SKIP: ")):
		return NotReproduced, "the package's TestMain did not run the test", out, elsewhere
	case err == nil:
		return Passed, "", out, elsewhere
	case len(elsewhere) > 0:
		return NotReproduced, "a race elsewhere: " + elsewhere[0], out, elsewhere
	case vague != "":
		return NotReproduced, "a race, but the report does not say where: " + vague, out, elsewhere
	}
	return NotReproduced, "failed without a race: " + failure(out), out, elsewhere
}

// judge looks for a report that is about the test's map. elsewhere has sentences for those
// that are about something else, vague one for a report that does not tell: a map that
// several goroutines use at once can crash the process in the middle of a race report.
func (t *Test) judge(reports []evidence.Report, opts RunOptions) (result, detail string, elsewhere []string, vague string) {
	for i := range reports {
		r := &reports[i]
		switch {
		case t.about(r) || opts.Migrated && inside(r, opts.Runtime):
			if result == "" {
				result, detail = Failed, sentence(r)
			}
		case r.Vague():
			vague = sentence(r)
		default:
			elsewhere = append(elsewhere, sentence(r))
		}
	}
	if result == Failed && opts.Migrated {
		detail = "after migration: " + detail
	}
	return result, detail, elsewhere, vague
}

// inside reports whether a report is about the runtime's own code: either access was
// made by it, and not by a function that it called back.
func inside(r *evidence.Report, runtime string) bool {
	if runtime == "" {
		return false
	}
	pkg := filepath.Base(runtime)
	for i := range r.Accesses {
		if f, ok := r.Accesses[i].User(); ok && strings.Contains(f.Func, "/"+pkg+".") {
			return true
		}
	}
	return false
}

// interleaved judges the output of a test of form Interleaved.
func interleaved(t *Test, out []byte, err error, late bool) (result, detail string) {
	text := string(out)
	said := func(mark string) string {
		_, rest, _ := strings.Cut(text, mark)
		var lines []string
		for l := range strings.Lines(rest) {
			l = strings.TrimSpace(l)
			if l == "" || strings.HasPrefix(l, "---") || strings.HasPrefix(l, "===") {
				break
			}
			lines = append(lines, l)
		}
		return strings.Join(lines, " ")
	}
	switch {
	case late || strings.Contains(text, "panic: test timed out after"):
		return TimedOut, "the enumeration did not end"
	case strings.Contains(text, "not atomic: "):
		return Failed, said("not atomic: ")
	case err != nil:
		return NotComparable, failure(out)
	case strings.Contains(text, "--- PASS: "+t.Name+"/"):
		return Passed, ""
	}
	return NotComparable, said("not comparable: ")
}

// about reports whether a race report is about the test's map.
func (t *Test) about(r *evidence.Report) bool {
	places := t.Places[:len(t.Places):len(t.Places)]
	if t.Level == MapOnly { // the test's own lines are accesses
		for i := 1; i <= bytes.Count(t.Source, []byte("\n")); i++ {
			places = append(places, evidence.Place{File: t.File, Line: i})
		}
	}
	return r.On(places)
}

// sentence says what a report found.
func sentence(r *evidence.Report) string {
	if r.Kind == evidence.Crash {
		return "fatal error: " + r.Message + where(r.Accesses)
	}
	return "data race" + where(r.Accesses)
}

func where(as []evidence.Access) string {
	var parts []string
	for i := range as {
		if f, ok := as[i].User(); ok && len(parts) < 2 && as[i].Op != "" {
			parts = append(parts, fmt.Sprintf("%s at %s:%d in %s", as[i].Op, filepath.Base(f.File), f.Line, f.Func[strings.LastIndexByte(f.Func, '/')+1:]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// failure returns the line that tells most about a failed test.
func failure(out []byte) string {
	for _, mark := range []string{"panic: ", "fatal error: ", "FAIL: ", "_test.go:"} {
		for l := range strings.Lines(string(out)) {
			if strings.Contains(l, mark) {
				return strings.TrimSpace(l)
			}
		}
	}
	return firstLine(out)
}

func firstLine(out []byte) string {
	for l := range strings.Lines(string(out)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			return l
		}
	}
	return "no output"
}

func excerpt(out []byte) string {
	const most = 4 << 10
	if len(out) > most {
		out = append(out[:most:most], "\n…"...)
	}
	return string(out)
}

// A limited buffer keeps the first megabyte.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := 1<<20 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// A Pair is a site's test in both versions of the code.
type Pair struct {
	Test *Test
	// After is the test's source after migration: Test.Source run through rewrite.
	// nil means that the test has no migrated version, so only the original runs.
	After []byte
	// Interleave is the test of atomicity for the migrated code; nil when there is none.
	Interleave *Test
}

// Verify runs every test on the original code and on the migrated code and
// returns, for each pair, the outcomes before and after and the finished record.
//
// before and after hold file contents by absolute path that differ from the
// working tree: usually none, and all migrated and runtime files.
func Verify(ctx context.Context, dir string, before, after map[string][]byte, pairs []Pair, opts RunOptions) ([]Verdict, error) {
	var first, second, third []*Test
	var index, steps []int
	for i, p := range pairs {
		first = append(first, p.Test)
		if p.After != nil {
			t := *p.Test
			t.Source = p.After
			second = append(second, &t)
			index = append(index, i)
		}
		if p.Interleave != nil && opts.Runtime != "" {
			t := *p.Interleave
			third = append(third, &t)
			steps = append(steps, i)
		}
	}
	run := func(tests []*Test, before int, overlay map[string][]byte, opts RunOptions) ([]Outcome, error) {
		if progress := opts.Progress; progress != nil {
			opts.Progress = func(done, _ int) { progress(before+done, len(first)+len(second)+len(third)) }
		}
		if len(tests) == 0 {
			return nil, nil
		}
		return Run(ctx, dir, overlay, tests, opts)
	}
	ranBefore, err := run(first, 0, Overlay(dir, before, first), opts)
	if err != nil {
		return nil, err
	}
	for k, i := range index {
		second[k].alone = ranBefore[i].Alone
	}
	for k, i := range steps {
		third[k].alone = ranBefore[i].Alone
	}
	opts.Migrated = true
	ranAfter, err := run(second, len(first), Overlay(dir, after, second), opts)
	if err != nil {
		return nil, err
	}
	var ranSteps []Outcome
	if len(third) > 0 {
		overlay, err := Twin(Overlay(dir, after, third), opts.Runtime)
		if err != nil {
			return nil, err
		}
		opts.Plain = true
		if ranSteps, err = run(third, len(first)+len(second), overlay, opts); err != nil {
			return nil, err
		}
	}
	verdicts := make([]Verdict, len(pairs))
	for i := range pairs {
		o := ranBefore[i]
		if o.Result == Passed && pairs[i].Test.Form != Behaviour {
			o.Result, o.Detail = NotReproduced, "the test passed on the original code"
		}
		verdicts[i] = Verdict{Before: o, Record: pairs[i].Test.Record()}
		verdicts[i].Record.Before = o.Result
	}
	for k, i := range index {
		verdicts[i].After = ranAfter[k]
		verdicts[i].Record.After = ranAfter[k].Result
		verdicts[i].Record.AfterSource = string(pairs[i].After)
	}
	for k, i := range steps {
		verdicts[i].Atomic = ranSteps[k]
	}
	return verdicts, nil
}

// A Verdict is what running a test on both versions showed.
type Verdict struct {
	Before, After Outcome // After is zero when there was no migrated version
	Atomic        Outcome // of Pair.Interleave; zero when there was none
	Record        plans.RaceTest
}

// Proven reports whether the test proves something about the program: at program
// level, it failed before and passed after.
func (v *Verdict) Proven() bool {
	return v.Record.Level == Program && v.Record.Before == Failed && v.Record.After == Passed
}

// Record returns the test as a plan holds it.
func (t *Test) Record() plans.RaceTest {
	rec := plans.RaceTest{
		File: t.File, Name: t.Name, Level: t.Level, Form: t.Form, Seed: t.Seed,
		BeforeSource: string(t.Source), Reason: t.Reason,
	}
	for _, p := range t.Places {
		rec.Places = append(rec.Places, plans.Pos{File: p.File, Line: p.Line})
	}
	return rec
}
