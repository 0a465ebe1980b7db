package rewrite_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/rewrite"
)

var update = flag.Bool("update", false, "rewrite the golden archives with what the code does now")

// TestGolden runs every archive of testdata/golden. An archive is a module, the
// flags of one run in its comment
//
//	-strategy=sharded -otherwise=mutex -scope=all|findings -maps=name,name -packages=./a,./b -std -allow-api-change -prune-empty-rows -drop-locks
//
// and what is wanted: files under want/ (all files that change, runtime aside),
// and "refusals", one line each: NAME CODE FILE:LINE.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("../testdata/golden/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, file)
		})
	}
}

type goldenFlags struct {
	strategy, scope       string
	otherwise             string
	maps, packages        []string
	std, api, prune, drop bool
}

func parseFlags(t *testing.T, comment string) goldenFlags {
	f := goldenFlags{strategy: "sharded", scope: "all"}
	for line := range strings.Lines(comment) {
		if !strings.HasPrefix(line, "-") {
			continue
		}
		for _, arg := range strings.Fields(line) {
			name, value, _ := strings.Cut(arg, "=")
			switch name {
			case "-strategy":
				f.strategy = value
			case "-scope":
				f.scope = value
			case "-maps":
				f.maps = strings.Split(value, ",")
			case "-packages":
				f.packages = strings.Split(value, ",")
			case "-std":
				f.std = true
			case "-allow-api-change":
				f.api = true
			case "-prune-empty-rows":
				f.prune = true
			case "-drop-locks":
				f.drop = true
			case "-otherwise":
				f.otherwise = value
			default:
				t.Fatalf("unknown flag %s", arg)
			}
		}
	}
	return f
}

func golden(t *testing.T, file string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flags := parseFlags(t, string(ar.Comment))
	dir := t.TempDir()
	input := map[string]string{}
	var kept []txtar.File
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "want/") || f.Name == "refusals" {
			continue
		}
		kept = append(kept, f)
		input[f.Name] = string(f.Data)
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := run(t, dir, flags)
	got := map[string]string{}
	for name, src := range out.Files {
		if strings.HasPrefix(name, "internal/safemap/") || strings.HasPrefix(name, "internal/mapmigrate/") {
			continue
		}
		got["want/"+name] = string(src)
	}
	var refusals strings.Builder
	for _, s := range out.Sites {
		for _, r := range s.Refusals {
			fmt.Fprintf(&refusals, "%s %s %s:%d\n", s.Maps[0].Name, r.Code, r.Pos.File, r.Pos.Line)
			if r.Code == "internal-check" {
				t.Errorf("%s: %s", s.Maps[0].Name, r.Message)
			}
			if r.Message == "" || r.Class == "" {
				t.Errorf("refusal %s of %s says nothing", r.Code, s.Maps[0].Name)
			}
		}
	}
	if refusals.Len() > 0 {
		got["refusals"] = refusals.String()
	}
	if *update {
		ar.Files = kept
		for _, name := range sortedKeys(got) {
			ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
		if err := os.WriteFile(file, txtar.Format(ar), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := map[string]string{}
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "want/") || f.Name == "refusals" {
			want[f.Name] = string(f.Data)
		}
	}
	for _, name := range sortedKeys(want) {
		if got[name] != want[name] {
			t.Errorf("%s:\n-- got\n%s\n-- want\n%s", name, got[name], want[name])
		}
	}
	for _, name := range sortedKeys(got) {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is not wanted:\n%s", name, got[name])
		}
	}
	again(t, dir, out, flags)
}

// again lays the result on disk and wants a second run to change nothing.
func again(t *testing.T, dir string, out *rewrite.Output, flags goldenFlags) {
	t.Helper()
	if len(out.Files) == 0 {
		return
	}
	for name, src := range out.Files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, src, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if flags.maps != nil {
		return
	}
	for name := range run(t, dir, flags).Files {
		t.Errorf("a second run changes %s", name)
	}
}

func run(t *testing.T, dir string, flags goldenFlags) *rewrite.Output {
	t.Helper()
	prog, err := detect.Load(detect.Config{Dir: dir, Patterns: flags.packages, Tests: true, Extra: rewrite.RuntimeImports()})
	if err != nil {
		t.Fatal(err)
	}
	res, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var reqs []rewrite.Request
	for _, m := range res.Maps {
		loud := slices.ContainsFunc(m.Findings, func(f detect.Finding) bool { return !f.Category.Quiet() })
		switch {
		case flags.maps != nil && !slices.Contains(flags.maps, m.Name):
		case flags.maps == nil && flags.scope == "findings" && !loud:
		default:
			reqs = append(reqs, rewrite.Request{Map: m, Strategy: flags.strategy, Otherwise: flags.otherwise})
		}
	}
	out, err := rewrite.Rewrite(context.Background(), prog, reqs, rewrite.Options{StdRuntime: flags.std, AllowAPIChange: flags.api, PruneEmptyRows: flags.prune, DropLocks: flags.drop, Maps: res.Maps, SkipCompile: testing.Short()})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
