// This file runs the tests that a module has of its own, on both versions of it.

package racetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// A Difference is a test of the module's own that says something else on the migrated
// code. Before and After are "pass", "fail", "skip", or "" where it did not run.
type Difference struct {
	Package, Test string // Test is "" for the package as a whole: it does not build, or crashed
	Before, After string
	Flaky         bool   // it says both on one version, when run again
	Detail        string // one sentence
}

// again is how often a test that differs is run on each version to see if it is flaky.
const again = 5

// Existing runs the tests of packages (as the go command names them) with the race
// detector, on the code as it is and with the files of after laid over it, and returns
// where the two differ, sorted. A test that differs is run again on both versions: one
// that says both on either is flaky. timeout is for one package; the tests see the
// working tree as their own, as with go test.
//
// The error is about the run as a whole; tests that fail are not an error.
func Existing(ctx context.Context, dir string, after map[string][]byte, packages []string, tags string, timeout time.Duration) ([]Difference, error) {
	tmp, err := os.MkdirTemp("", "mapmigrate-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	overlay, err := writeOverlay(tmp, after)
	if err != nil {
		return nil, err
	}
	run := func(overlay string, count int, pattern string, packages []string) (ownResults, error) {
		return runOwn(ctx, dir, overlay, packages, tags, pattern, count, timeout)
	}
	before, err := run("", 1, "", packages)
	if err != nil {
		return nil, err
	}
	now, err := run(overlay, 1, "", packages)
	if err != nil {
		return nil, err
	}
	var diffs []Difference
	for key := range before.and(now) {
		a, b := before.last(key), now.last(key)
		if a == b || key.test == "" && before.differsWithin(key.pkg, now) {
			continue
		}
		diffs = append(diffs, Difference{Package: key.pkg, Test: key.test, Before: a, After: b, Detail: now.why(key, before)})
	}
	sort.Slice(diffs, func(i, j int) bool {
		if diffs[i].Package != diffs[j].Package {
			return diffs[i].Package < diffs[j].Package
		}
		return diffs[i].Test < diffs[j].Test
	})
	for i := range diffs {
		d := &diffs[i]
		if d.Test == "" {
			continue
		}
		pattern := "^" + regexp.QuoteMeta(d.Test) + "$"
		old, err := run("", again, pattern, []string{d.Package})
		if err != nil {
			return nil, err
		}
		cur, err := run(overlay, again, pattern, []string{d.Package})
		if err != nil {
			return nil, err
		}
		key := ownTest{d.Package, d.Test}
		for _, on := range []struct {
			version string
			first   string
			res     ownResults
		}{{"the code as it is", d.Before, old}, {"the migrated code", d.After, cur}} {
			all := append([]string{on.first}, on.res.results[key]...)
			if bad := count(all, "fail"); bad > 0 && bad < len(all) {
				d.Flaky = true
				d.Detail = fmt.Sprintf("fails %d of %d times on %s", bad, len(all), on.version)
				break
			}
		}
	}
	return diffs, nil
}

func count(all []string, what string) (n int) {
	for _, s := range all {
		if s == what {
			n++
		}
	}
	return n
}

type ownTest struct{ pkg, test string }

// ownResults is what go test -json said of top-level tests and of whole packages.
type ownResults struct {
	results map[ownTest][]string
	output  map[ownTest]string // of what failed: the line that tells most
}

func (r ownResults) last(key ownTest) string {
	if all := r.results[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

func (r ownResults) and(o ownResults) map[ownTest]bool {
	keys := map[ownTest]bool{}
	for k := range r.results {
		keys[k] = true
	}
	for k := range o.results {
		keys[k] = true
	}
	return keys
}

// differsWithin reports whether single tests of a package explain that it differs.
func (r ownResults) differsWithin(pkg string, o ownResults) bool {
	for k := range r.and(o) {
		if k.pkg == pkg && k.test != "" && r.last(k) != o.last(k) && r.last(k) != "" && o.last(k) != "" {
			return true
		}
	}
	return false
}

func (r ownResults) why(key ownTest, o ownResults) string {
	for _, side := range []ownResults{r, o} {
		if side.last(key) == "fail" {
			return side.output[key]
		}
	}
	return "it does not run on one of the versions"
}

// runOwn runs go test -json.
func runOwn(ctx context.Context, dir, overlay string, packages []string, tags, pattern string, times int, timeout time.Duration) (ownResults, error) {
	args := []string{"test", "-json", "-vet=off", "-race", fmt.Sprintf("-count=%d", times), "-timeout=" + timeout.String()}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	if tags != "" {
		args = append(args, "-tags="+tags)
	}
	if pattern != "" {
		args = append(args, "-run="+pattern)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "PWD="+dir)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return ownResults{}, ctx.Err()
	}
	res := ownResults{map[ownTest][]string{}, map[ownTest]string{}}
	all := map[ownTest]*strings.Builder{}
	for line := range bytes.Lines(out) {
		var ev struct{ Action, Package, Test, Output string }
		if json.Unmarshal(line, &ev) != nil || ev.Package == "" {
			continue
		}
		top, _, isSub := strings.Cut(ev.Test, "/")
		key := ownTest{ev.Package, top}
		switch ev.Action {
		case "output":
			if all[key] == nil {
				all[key] = &strings.Builder{}
			}
			all[key].WriteString(ev.Output)
		case "pass", "fail", "skip":
			if isSub {
				continue
			}
			res.results[key] = append(res.results[key], ev.Action)
			if ev.Action == "fail" && all[key] != nil {
				res.output[key] = failure([]byte(all[key].String()))
			}
		}
	}
	if len(res.results) == 0 && err != nil {
		if te := toolError(slices.Concat(out, stderr.Bytes()), err); te != nil {
			return ownResults{}, te
		}
		return ownResults{}, fmt.Errorf("go test: %s", firstLine(stderr.Bytes()))
	}
	return res, nil
}
