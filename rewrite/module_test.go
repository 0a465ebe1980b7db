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
	"time"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
)

var (
	corpusDir      = flag.String("corpus-module", "", "run TestModule on the module in this folder")
	corpusPackages = flag.String("corpus-packages", "./...", "the packages of it to migrate")
	corpusStrategy = flag.String("corpus-strategy", "sharded", "the strategy for every map")
	corpusOut      = flag.String("corpus-out", "", "write the diff and the refusals here")
)

// TestModule migrates every map variable of a real module, racy or not: each is
// either refused with a reason or yields code that type-checks, compiles and
// copies no lock. It needs -corpus-module.
func TestModule(t *testing.T) {
	if *corpusDir == "" {
		t.Skip("no -corpus-module")
	}
	start := time.Now()
	prog, err := detect.Load(detect.Config{Dir: *corpusDir, Patterns: strings.Fields(*corpusPackages), Tests: true, Extra: rewrite.RuntimeImports()})
	if err != nil {
		t.Fatal(err)
	}
	loaded := time.Since(start)
	res, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	analysed := time.Since(start)
	matched := map[string]bool{}
	for _, p := range prog.Packages {
		if p.Matched {
			matched[p.Path] = true
		}
	}
	var reqs []rewrite.Request
	for _, m := range res.Maps {
		if matched[m.Package] {
			reqs = append(reqs, rewrite.Request{Map: m, Strategy: *corpusStrategy})
		}
	}
	out, err := rewrite.Rewrite(context.Background(), prog, reqs, rewrite.Options{Maps: res.Maps})
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	var diff strings.Builder
	migrated := 0
	for _, s := range out.Sites {
		if len(s.Refusals) == 0 {
			migrated++
			fmt.Fprintf(&diff, "MIGRATED %s (%d edits, coupled %v) %v\n", s.Maps[0].Name, len(s.Edits), s.Coupled, s.Notes)
			continue
		}
		seen := map[string]bool{}
		for _, r := range s.Refusals {
			if !seen[r.Code] {
				seen[r.Code] = true
				codes[r.Code]++
			}
			fmt.Fprintf(&diff, "REFUSED %s %s %s: %s\n", s.Maps[0].Name, r.Pos, r.Code, r.Message)
		}
	}
	var files []plans.File
	for _, name := range sortedFiles(out.Files) {
		before, _ := os.ReadFile(filepath.Join(prog.Dir, filepath.FromSlash(name)))
		if before != nil {
			files = append(files, plans.File{Path: name, Before: before, After: out.Files[name]})
		}
	}
	diff.WriteString(plans.Diff("", files...))
	if *corpusOut != "" {
		if err := os.WriteFile(*corpusOut, []byte(diff.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("load %s, analyse %s, all %s; %d maps, %d sites, %d migrated, %d files", loaded, analysed-loaded, time.Since(start), len(reqs), len(out.Sites), migrated, len(files))
	for _, code := range sortedCodes(codes) {
		t.Logf("%4d %s", codes[code], code)
	}
	if codes["internal-check"] > 0 {
		t.Errorf("%d sites failed a gate", codes["internal-check"])
	}
}

func sortedFiles(m map[string][]byte) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func sortedCodes(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
