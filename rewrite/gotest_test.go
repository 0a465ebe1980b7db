package rewrite_test

import (
	"errors"
	"flag"
	"go/build"
	"go/version"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

var gotestDir = flag.String("gotest", "", "run TestGoDistribution on the programs of this folder, the Go distribution's test/")

// TestGoDistribution migrates every map variable of the programs under the Go
// distribution's own test folder that stand in one file, have a "// run" header and
// mention a map type, once for every strategy. What a program prints and how it ends
// stay, or its maps are refused. It needs -gotest=$(go env GOROOT)/test; -run
// TestGoDistribution/NAME picks programs. The counts are logged at the end.
func TestGoDistribution(t *testing.T) {
	if *gotestDir == "" {
		t.Skip("no -gotest")
	}
	programs := map[string][]string{} // the file → flags for building it
	err := filepath.WalkDir(*gotestDir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasSuffix(name, ".dir"), d.IsDir() && d.Name() == "codegen":
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if flags, ok := runHeader(string(src)); ok && strings.Contains(string(src), "map[") {
			programs[name] = flags
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	counts := &outcomes{of: map[string]int{}}
	t.Run("programs", func(t *testing.T) {
		for _, name := range slices.Sorted(maps.Keys(programs)) {
			rel, _ := filepath.Rel(*gotestDir, name)
			t.Run(filepath.ToSlash(rel), func(t *testing.T) {
				t.Parallel()
				goProgram(t, name, programs[name], counts)
			})
		}
	})
	t.Logf("%d programs that run in one file and mention a map type", len(programs))
	for _, what := range sortedCodes(counts.of) {
		t.Logf("%4d %s", counts.of[what], what)
	}
}

// runHeader reports whether a program of the Go distribution is one file that is to
// be run as it is, and the flags to build it with.
func runHeader(src string) (flags []string, ok bool) {
	for line := range strings.Lines(src) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "//go:build"):
			continue
		case len(f) < 2 || f[0] != "//" || f[1] != "run":
			return nil, false
		}
		for _, flag := range f[2:] {
			if !strings.HasPrefix(flag, "-gcflags=") {
				return nil, false
			}
			flags = append(flags, strings.ReplaceAll(flag, "\"", ""))
		}
		return flags, true
	}
	return nil, false
}

// goProgram compares one program before and after.
func goProgram(t *testing.T, name string, flags []string, counts *outcomes) {
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	goMod := []byte("module example.com/program\n\ngo " + strings.TrimPrefix(version.Lang(runtime.Version()), "go") + ".0\n")
	writeFile(t, filepath.Join(source, "go.mod"), goMod)
	writeFile(t, filepath.Join(source, "program.go"), src)
	if err := buildable(source); err != nil {
		counts.add("programs", "left out", 1)
		t.Skip(err)
	}
	before := runProgram(t, source, flags...)
	if again := runProgram(t, source, flags...); again != before {
		counts.add("programs", "left out", 1)
		t.Skip("two runs of the program as it is print different things")
	}
	mod := loadModule(t, source)
	for _, strategy := range strategies {
		out := mod.migrate(t, strategy)
		migrated, refused := 0, 0
		for _, s := range out.Sites {
			if len(s.Refusals) == 0 {
				migrated++
				continue
			}
			refused++
			for _, r := range s.Refusals {
				t.Logf("%s: %s refused at %s: %s", strategy, s.Maps[0].Name, r.Pos, r.Code)
				if r.Code == "internal-check" {
					t.Errorf("%s: %s %s: %s", strategy, s.Maps[0].Name, r.Pos, r.Message)
				}
			}
		}
		counts.add(strategy, "maps migrated", migrated)
		counts.add(strategy, "maps refused", refused)
		if migrated == 0 && refused == 0 {
			counts.add(strategy, "programs without a map variable", 1)
			continue
		}
		if migrated == 0 {
			counts.add(strategy, "programs refused", 1)
			continue
		}
		into := filepath.Join(dir, strategy)
		writeFile(t, filepath.Join(into, "go.mod"), goMod)
		writeFile(t, filepath.Join(into, "program.go"), src)
		for file, data := range out.Files {
			writeFile(t, filepath.Join(into, filepath.FromSlash(file)), data)
		}
		if after := runProgram(t, into, flags...); after != before {
			counts.add(strategy, "programs that DIFFER", 1)
			t.Errorf("%s: the program prints something else:\n%s", strategy, differingLines(before, after))
			continue
		}
		counts.add(strategy, "programs that behave as before", 1)
	}
}

// buildable returns an error when the program is not for this platform.
func buildable(dir string) error {
	pkg, err := build.ImportDir(dir, 0)
	if err == nil && pkg.Name != "main" {
		err = errors.New("not a command")
	}
	return err
}

// An outcomes counts what came of programs and their maps.
type outcomes struct {
	mu sync.Mutex
	of map[string]int // "STRATEGY: WHAT"
}

func (o *outcomes) add(strategy, what string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.of[strategy+": "+what] += n
}
