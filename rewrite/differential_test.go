package rewrite_test

import (
	"bytes"
	"context"
	"fmt"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/rewrite"
)

// TestDifferential migrates all maps of each module of testdata/differential, once
// for every strategy, and wants the program to print what it printed before. The
// archive's file "refusals" (NAME CODE, of the strategy sharded) says which maps
// stay: a map that is refused is not tested.
func TestDifferential(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	archives, err := filepath.Glob("../testdata/differential/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			differential(t, file)
		})
	}
}

func differential(t *testing.T, file string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var kept []txtar.File
	wanted := ""
	for _, f := range ar.Files {
		if f.Name == "refusals" {
			wanted = string(f.Data)
			continue
		}
		kept = append(kept, f)
		if f.Name != "hazards" { // see TestHazards
			writeFile(t, filepath.Join(dir, "source", filepath.FromSlash(f.Name)), f.Data)
		}
	}
	before := runProgram(t, filepath.Join(dir, "source"))
	mod := loadModule(t, filepath.Join(dir, "source"))
	for _, strategy := range strategies {
		out := mod.migrate(t, strategy)
		var refusals strings.Builder
		for _, s := range out.Sites {
			for _, r := range s.Refusals {
				if r.Code == "internal-check" {
					t.Errorf("%s: %s %s: %s", strategy, s.Maps[0].Name, r.Pos, r.Message)
				}
				fmt.Fprintf(&refusals, "%s %s\n", s.Maps[0].Name, r.Code)
			}
		}
		if strategy == "sharded" {
			got := strings.Join(slices.Compact(strings.SplitAfter(refusals.String(), "\n")), "")
			if *update {
				ar.Files = append(kept, txtar.File{Name: "refusals", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(ar), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if got != wanted {
				t.Errorf("refused:\n%swant:\n%s", got, wanted)
			}
		}
		into := filepath.Join(dir, strategy)
		for _, f := range kept {
			writeFile(t, filepath.Join(into, filepath.FromSlash(f.Name)), f.Data)
		}
		for name, src := range out.Files {
			writeFile(t, filepath.Join(into, filepath.FromSlash(name)), src)
		}
		if after := runProgram(t, into); after != before {
			t.Errorf("%s: the program prints something else:\n%s", strategy, differingLines(before, after))
		}
		if keep := os.Getenv("DIFFERENTIAL_KEEP"); keep != "" {
			os.CopyFS(filepath.Join(keep, filepath.Base(file), strategy), os.DirFS(into))
		}
	}
}

var strategies = []string{"sharded", "locked", "syncmap", "provider", rewrite.Mutex}

// A module is a loaded module with all its map variables, those local to one
// goroutine included.
type module struct {
	prog  *detect.Program
	maps  []*detect.Map
	known []*detect.Map // what detection knows
}

func loadModule(t *testing.T, dir string) *module {
	t.Helper()
	prog, err := detect.Load(detect.Config{Dir: dir, Tests: true, Extra: rewrite.RuntimeImports()})
	if err != nil {
		t.Fatal(err)
	}
	res, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mod := &module{prog, slices.Clone(res.Maps), res.Maps}
	known := map[token.Position]bool{}
	for _, m := range res.Maps {
		known[m.Pos] = true
	}
	for _, p := range prog.Packages {
		for id, obj := range p.Info.Defs {
			v, ok := obj.(*types.Var)
			if !ok || id.Name == "_" || !p.FirstParty {
				continue
			}
			pos := prog.Fset.Position(id.Pos())
			if _, ok := v.Type().Underlying().(*types.Map); ok && !known[pos] {
				known[pos] = true
				mod.maps = append(mod.maps, &detect.Map{Name: fmt.Sprintf("%s:%d:%s", filepath.Base(pos.Filename), pos.Line, id.Name), Package: p.Path, Pos: pos})
			}
		}
	}
	return mod
}

// migrate asks for every map variable of the module.
func (m *module) migrate(t *testing.T, strategy string) *rewrite.Output {
	t.Helper()
	var reqs []rewrite.Request
	for _, one := range m.maps {
		reqs = append(reqs, rewrite.Request{Map: one, Strategy: strategy})
	}
	out, err := rewrite.Rewrite(context.Background(), m.prog, reqs, rewrite.Options{Maps: m.known, SkipCompile: true})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// runProgram builds the main package of a module and returns what it prints, with
// the first line of a panic and the exit code.
func runProgram(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	build := exec.Command("go", append([]string{"build", "-ldflags=-s -w", "-o", "program.exe"}, append(flags, ".")...)...)
	build.Dir = dir
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s does not build: %s", filepath.Base(dir), msg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "program.exe"))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	said, _, _ := strings.Cut(stderr.String(), "\ngoroutine ") // what follows names lines
	return fmt.Sprintf("%s%s\nexit code %d\n", stdout.String(), said, cmd.ProcessState.ExitCode())
}

// differingLines lists the sections ("== name") of two outputs that are not the same.
func differingLines(before, after string) string {
	sections := func(out string) (names []string, text map[string]string) {
		text = map[string]string{}
		for part := range strings.SplitSeq(out, "== ") {
			name, body, _ := strings.Cut(part, "\n")
			names = append(names, name)
			text[name] += body
		}
		return names, text
	}
	names, old := sections(before)
	more, now := sections(after)
	var out strings.Builder
	for _, name := range append(names, more...) {
		if old[name] != now[name] {
			fmt.Fprintf(&out, "== %s\n-- before\n%s-- after\n%s", name, old[name], now[name])
		}
	}
	return out.String()
}
