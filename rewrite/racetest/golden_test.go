package racetest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/txtar"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	every  = flag.Bool("every", false, "run every golden test with the race detector, 20 times each")
)

// An archive of testdata is a module with its map and accesses marked, the test
// that is wanted for it (want/…), and, for some, the same files with the race
// fixed by hand (fixed/…). Markers are comments at the end of a line:
//
//	//@map NAME
//	//@1 OP NAME [inner] [owned] [lock=T.mu] [ctx="…"] [path=FILE:LINE]
//
// with 1 and 2 for the conflicting pair (1 alone races with itself) and nothing
// for further accesses. They stand in for detection, so that these goldens change
// only when this package does; the same programs also go through it.
type archive struct {
	name  string
	ar    *txtar.Archive
	level string // "program synctest"
	opts  Options
	m     *detect.Map
	dir   string
	prog  *detect.Program
}

var (
	marker = regexp.MustCompile(`//@(map|1|2|) (.+)$`)
	option = regexp.MustCompile(`(\w+)="([^"]*)"|(\w+)=(\S+)|(\S+)`)
)

func load(t *testing.T, file string) *archive {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), ar: ar, dir: t.TempDir(), m: &detect.Map{}}
	a.opts = Options{Toolchain: "1.26"}
	if _, rest, ok := strings.Cut(string(ar.Comment), "level: "); ok {
		a.level, rest, _ = strings.Cut(strings.TrimSpace(rest), "\n")
		if rest == "framework: gocheck" {
			a.opts.Framework = Gocheck
		}
	}
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "want/") || strings.HasPrefix(f.Name, "fixed/") {
			continue
		}
		name := filepath.Join(a.dir, f.Name)
		os.MkdirAll(filepath.Dir(name), 0o777)
		if err := os.WriteFile(name, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	a.prog, err = detect.Load(detect.Config{Dir: a.dir})
	if err != nil {
		t.Fatal(err)
	}
	a.mark(t)
	return a
}

// mark builds the map from the markers.
func (a *archive) mark(t *testing.T) {
	t.Helper()
	pair := map[string]detect.Access{}
	for _, f := range a.ar.Files {
		if strings.Contains(f.Name, "/") || !strings.HasSuffix(f.Name, ".go") {
			continue
		}
		offset := 0
		for no, text := range strings.SplitAfter(string(f.Data), "\n") {
			if m := marker.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
				fields := strings.Fields(m[2])
				name := fields[0]
				if m[1] != "map" {
					name = fields[1]
				}
				col := regexp.MustCompile(`\b` + name + `\b`).FindStringIndex(text)
				pos := token.Position{Filename: filepath.Join(a.dir, f.Name), Line: no + 1, Column: col[0] + 1, Offset: offset + col[0]}
				if m[1] == "map" {
					a.declare(t, name, pos)
				} else {
					acc := a.access(fields[0], m[2], pos)
					a.m.Accesses = append(a.m.Accesses, acc)
					if m[1] != "" {
						pair[m[1]] = acc
					}
				}
			}
			offset += len(text)
		}
	}
	if len(pair) > 0 {
		f := detect.Finding{Category: detect.Unguarded, Confidence: detect.High}
		for _, n := range []string{"1", "2"} {
			if acc, ok := pair[n]; ok {
				f.Accesses = append(f.Accesses, acc)
			}
		}
		a.m.Findings = []detect.Finding{f}
	}
}

func (a *archive) declare(t *testing.T, name string, pos token.Position) {
	m := a.m
	m.Pos, m.Kind = pos, detect.Local
	x := newIndex(a.prog)
	p := x.files[pos.Filename]
	m.Package = p.Path
	m.Key, m.Name = p.Path+"."+name, p.Name+"."+name
	v := (&Generator{x: x}).variable(m)
	if v == nil {
		t.Fatalf("%s declares no variable", pos)
	}
	if v.IsField() {
		m.Kind = detect.Field
		for _, n := range x.named {
			if n.Obj().Pos() < v.Pos() && (m.Holder == "" || true) && a.prog.Fset.Position(n.Obj().Pos()).Line <= pos.Line {
				if holderLine := a.prog.Fset.Position(n.Obj().Pos()).Line; holderLine > a.holderLine(m.Holder, x) {
					m.Holder = p.Path + "." + n.Obj().Name()
				}
			}
		}
		short := m.Holder[strings.LastIndexByte(m.Holder, '.')+1:]
		m.Key, m.Name = m.Holder+"."+name, p.Name+"."+short+"."+name
	} else if v.Parent() == p.Types.Scope() {
		m.Kind = detect.PackageVar
	}
	m.Type = v.Type().String()
}

func (a *archive) holderLine(holder string, x *index) int {
	for _, n := range x.named {
		if n.Obj().Pkg().Path()+"."+n.Obj().Name() == holder {
			return a.prog.Fset.Position(n.Obj().Pos()).Line
		}
	}
	return 0
}

func (a *archive) access(op, rest string, pos token.Position) detect.Access {
	acc := detect.Access{Op: detect.Op(op), Pos: pos}
	x := newIndex(a.prog)
	if e, err := x.entryAt(pos); err == nil {
		acc.Func = e.obj.Name()
		if n := receiver(e.obj); n != nil {
			acc.Func = "(*" + n.Obj().Name() + ")." + acc.Func
		}
	}
	for _, o := range option.FindAllStringSubmatch(rest, -1) {
		switch {
		case o[1] == "ctx":
			acc.Contexts = append(acc.Contexts, o[2])
		case o[3] == "lock":
			acc.Locks = append(acc.Locks, detect.Lock{Name: o[4]})
		case o[3] == "path":
			file, line, _ := strings.Cut(o[4], ":")
			n, _ := strconv.Atoi(line)
			acc.Path = append(acc.Path, detect.Step{Pos: token.Position{Filename: filepath.Join(a.dir, file), Line: n, Column: 3}, Note: "called here"})
		case o[5] == "inner":
			acc.Inner = true
		case o[5] == "owned":
			acc.Owned = true
		}
	}
	return acc
}

func archives(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	return files
}

// TestGolden compares generated files with the wanted ones, and generates twice.
func TestGolden(t *testing.T) {
	for _, file := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a := load(t, file)
			rt, err := Generate(a.prog, a.m, a.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := rt.Level + " " + rt.Form; got != a.level {
				t.Errorf("got %s, want %s: %s", got, a.level, rt.Reason)
			}
			again, err := Generate(a.prog, a.m, a.opts)
			if err != nil || !bytes.Equal(again.Source, rt.Source) {
				t.Errorf("generating twice gives two files (%v)", err)
			}
			// The same program through detection gets the same level, whatever pair it chose.
			if found, err := Generate(a.prog, a.detected(t), a.opts); err != nil {
				t.Error(err)
			} else if found.Level != rt.Level {
				t.Errorf("as detected: %s level: %s", found.Level, found.Reason)
			}
			name := "want/" + rt.File
			if *update {
				var files []txtar.File
				for _, f := range a.ar.Files {
					if !strings.HasPrefix(f.Name, "want/") {
						files = append(files, f)
					}
				}
				files = append(files, txtar.File{Name: name, Data: rt.Source})
				if err := os.WriteFile(file, txtar.Format(&txtar.Archive{Comment: a.ar.Comment, Files: files}), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, f := range a.ar.Files {
				if f.Name == name {
					if !bytes.Equal(f.Data, rt.Source) {
						t.Errorf("%s differs; got\n%s", name, rt.Source)
					}
					return
				}
			}
			t.Errorf("no %s in the archive; got\n%s", name, rt.Source)
		})
	}
}

// someRun are the archives whose tests are really run by a plain go test; the
// flag -every runs all.
var someRun = []string{"package_var", "forgotten_lock", "nested_hub", "middleware"}

// TestFailsBefore runs generated tests on the racy programs, where they must
// fail, and on the programs fixed by hand, where they must pass.
func TestFailsBefore(t *testing.T) {
	needRace(t)
	count := 3
	if *every {
		count = 20
	}
	var report []string
	for _, file := range archives(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if !*every && !contains(someRun, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			a := load(t, file)
			if a.opts.Framework == Gocheck {
				t.Skip("needs " + CheckPath)
			}
			rt, err := Generate(a.prog, a.m, a.opts)
			if err != nil {
				t.Fatal(err)
			}
			var after map[string][]byte
			for _, f := range a.ar.Files {
				if rest, ok := strings.CutPrefix(f.Name, "fixed/"); ok {
					if after == nil {
						after = map[string][]byte{}
					}
					after[filepath.Join(a.dir, rest)] = f.Data
				}
			}
			pair := Pair{Test: rt}
			if after != nil {
				pair.After = rt.Source
			}
			vs, err := Verify(context.Background(), a.dir, nil, after, []Pair{pair}, RunOptions{Count: count})
			if err != nil {
				t.Fatal(err)
			}
			v := vs[0]
			report = append(report, fmt.Sprintf("%-16s %-8s %-10s before %s %d/%d after %q", name, rt.Level, rt.Form, v.Before.Result, v.Before.Failed, v.Before.Runs, v.After.Result))
			want := Failed
			if rt.Form == Behaviour {
				want = Passed
			}
			if v.Before.Result != want || want == Failed && v.Before.Failed != v.Before.Runs {
				t.Errorf("before: %s, %d of %d runs failed: %s\n%s\n%s", v.Before.Result, v.Before.Failed, v.Before.Runs, v.Before.Detail, rt.Source, v.Before.Output)
			}
			if after != nil && v.After.Result != Passed {
				t.Errorf("after: %s: %s\n%s", v.After.Result, v.After.Detail, v.After.Output)
			}
			if after != nil && rt.Level == Program && !v.Proven() {
				t.Error("not proven")
			}
		})
	}
	sort.Strings(report)
	t.Log("\n" + strings.Join(report, "\n"))
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// needRace skips what cannot run here or takes long.
func needRace(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds with -race")
	}
	out, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	if err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Skip("no cgo")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		if _, err := exec.LookPath("clang"); err != nil {
			t.Skip("no C compiler")
		}
	}
}

// detected returns what detection says about the archive's map; where it reports
// no finding, the marked one stands.
func (a *archive) detected(t *testing.T) *detect.Map {
	t.Helper()
	res, err := detect.Analyze(a.prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range res.Maps {
		if m.Pos.Filename == a.m.Pos.Filename && m.Pos.Line == a.m.Pos.Line {
			if len(a.m.Findings) > 0 && (len(m.Findings) == 0 || m.Findings[0].Category.Quiet()) {
				t.Logf("detection has no finding for %s", m.Name)
				return a.m
			}
			return m
		}
	}
	t.Logf("detection does not know %s", a.m.Name)
	return a.m
}

// TestReproduce runs what detection found, for all archives, with alternatives.
func TestReproduce(t *testing.T) {
	needRace(t)
	if !*every {
		t.Skip("only with -every")
	}
	for _, file := range archives(t) {
		a := load(t, file)
		m := a.detected(t)
		rs, err := New(a.prog, Options{Toolchain: "1.26"}).Reproduce(context.Background(), []*detect.Map{m}, nil, 4, RunOptions{Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		r := rs[0]
		if r.Test == nil {
			t.Errorf("%s: %v", a.name, r.Err)
			continue
		}
		t.Logf("%-16s %-8s %-9s try %d: %s %d/%d", a.name, r.Test.Level, r.Test.Form, r.Tried, r.Outcome.Result, r.Outcome.Failed, r.Outcome.Runs)
		if r.Test.Form != Behaviour && r.Outcome.Result != Failed {
			t.Errorf("%s: %s: %s\n%s\n%s", a.name, r.Outcome.Result, r.Outcome.Detail, r.Test.Source, r.Outcome.Output)
		}
	}
}
