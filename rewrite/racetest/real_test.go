package racetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

// examples are the modules of the README, with the maps that must get a
// program-level test that fails.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with -race")
	}
	for _, name := range []string{"sessions", "chathub", "metrics"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.Abs(filepath.Join("../../examples", name))
			if err != nil {
				t.Fatal(err)
			}
			proveAll(t, dir)
		})
	}
}

// proveAll wants a failing program-level test for every map of a module that has a finding.
func proveAll(t *testing.T, dir string) {
	t.Helper()
	prog, err := detect.Load(detect.Config{Dir: dir, Tests: true})
	if err != nil {
		t.Fatal(err)
	}
	res, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := New(prog, Options{})
	var tests []*Test
	for _, m := range res.Maps {
		if len(m.Findings) == 0 || m.Findings[0].Category.Quiet() {
			continue
		}
		rt, err := g.Generate(m)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if os.Getenv("RACETEST_SHOW") != "" {
			t.Logf("%s: %s %s %s\n%s", m.Name, m.Findings[0].Category, rt.Level, rt.Reason, rt.Source)
		}
		if rt.Level != Program {
			t.Errorf("%s: %s level: %s", m.Name, rt.Level, rt.Reason)
		}
		tests = append(tests, rt)
	}
	if len(tests) == 0 {
		t.Fatal("no findings")
	}
	outs, err := Run(context.Background(), dir, Overlay(dir, nil, tests), tests, RunOptions{Count: 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outs {
		if o.Result != Failed || o.Failed != o.Runs {
			t.Errorf("%s: %s, failed %d of %d: %s\n%s", o.Test.Name, o.Result, o.Failed, o.Runs, o.Detail, o.Output)
		}
	}
}
