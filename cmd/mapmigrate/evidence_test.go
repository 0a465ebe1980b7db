package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// TestEvidence takes real logs to the maps they are about. An archive of
// testdata/evidence is a module, log.txt, which running that module (or, where the
// comment says so, another one or another version of it) left behind, and want (the log of
// an issue-….txtar has the stacks of a public bug report, over code of our own that is
// called the same): a line
// for every map that the log must confirm and how ("confirmed NAME line"), or the
// beginning of the sentence that says why it confirms none ("why …").
func TestEvidence(t *testing.T) {
	archives, err := filepath.Glob("testdata/evidence/*.txtar")
	if err != nil || len(archives) < 10 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := extract(t, ar)
			want, err := os.ReadFile(filepath.Join(dir, "want"))
			if err != nil {
				t.Fatal(err)
			}
			prog, err := detect.Load(detect.Config{Dir: dir, Tests: true})
			if err != nil {
				t.Fatal(err)
			}
			found, err := detect.Analyze(prog, detect.Options{})
			if err != nil {
				t.Fatal(err)
			}
			e := &env{stderr: os.Stderr}
			fx, err := e.readEvidence(prog, found, []string{filepath.Join(dir, "log.txt")})
			if err != nil {
				t.Fatal(err)
			}
			if got := confirmedBy(found.Maps, fx); !matches(got, string(want)) {
				t.Errorf("got\n%swant\n%s", got, want)
				printEvidence(os.Stderr, &plans.Plan{Evidence: fx.notes})
			}
		})
	}
}

// confirmedBy renders what a log did to maps, as want has it.
func confirmedBy(maps []*detect.Map, fx *facts) string {
	var lines []string
	for _, m := range maps {
		if fx.confirmed[m] == 0 {
			continue
		}
		how := "line"
		if f := m.Findings[0]; f.Confidence != detect.Confirmed {
			how = "not at all"
		} else if strings.Contains(f.Message, "matched by function") {
			how = "function"
		}
		lines = append(lines, fmt.Sprintf("confirmed %s %s\n", m.Name, how))
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		lines = append(lines, "why "+fx.notes[0].Why+"\n")
	}
	return strings.Join(lines, "")
}

func matches(got, want string) bool {
	if strings.HasPrefix(want, "why ") {
		return strings.HasPrefix(got, strings.TrimSpace(want))
	}
	return got == want
}

func extract(t *testing.T, ar *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range ar.Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestProfileWeighs: a guard that goroutines wait for makes auto swap a map that it
// would leave alone, and only that one.
func TestProfileWeighs(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/contended.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := extract(t, ar)
	sites := func(files ...string) map[string]*plans.Site {
		e := &env{dir: dir, stderr: io.Discard}
		f := &planFlags{strategy: "auto", scope: scopeFindings, minConfidence: "medium", runtime: "plain", framework: "testing", evidence: files}
		p, _, err := e.makePlan(t.Context(), nil, f)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]*plans.Site{}
		for _, s := range p.Sites {
			out[s.Name] = s
		}
		return out
	}
	if s := sites(); len(s) != 0 {
		t.Errorf("without a profile: %d sites", len(s))
	}
	for _, kind := range []string{"mutex", "block"} {
		got := sites(filepath.Join("..", "..", "evidence", "testdata", kind+".pb.gz"))
		s := got["main.Cache.entries"]
		if len(got) != 1 || s == nil || s.Status != plans.Proposed || !strings.Contains(s.Strategy.Reason, "contended: ") {
			t.Errorf("%s profile: %v", kind, got)
		}
	}
	if s := sites(filepath.Join("..", "..", "evidence", "testdata", "cpu.pb.gz")); len(s) != 0 {
		t.Errorf("a CPU profile alone: %d sites", len(s))
	}
}
