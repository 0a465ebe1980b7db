package plans

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// TestMain keeps the tests off the medium: a sync can take long on a busy machine.
// TestApplyUndo does sync.
func TestMain(m *testing.M) {
	syncing = false
	os.Exit(m.Run())
}

// The module that most tests change: two sites in a.go, one of which is coupled with
// the third, in b/b.go, and a refused fourth.
const (
	aGo = "package a\n\nimport \"sync\"\n\nvar one = map[string]int{}\n\nvar mu sync.Mutex\n\nvar two = map[string]int{}\n\nfunc f() { one[\"k\"]++ }\n"
	bGo = "package b\n\nfunc g() {\n\ttwo[\"k\"] = 1\n}\n"
)

func files() map[string]string {
	return map[string]string{"go.mod": "module m\n\ngo 1.24\n", "a.go": aGo, "b/b.go": bGo}
}

func mapFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for f, text := range files {
		m[f] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// replace returns the edit of a baseline file that replaces old, which occurs once.
func replace(t testing.TB, file, base, old, new string) Edit {
	t.Helper()
	if strings.Count(base, old) != 1 {
		t.Fatalf("%q occurs %d times in %s", old, strings.Count(base, old), file)
	}
	at := strings.Index(base, old)
	return Edit{File: file, Start: at, End: at + len(old), New: new}
}

func newPlan(t testing.TB) *Plan {
	t.Helper()
	finding := func(confidence string) []Finding {
		return []Finding{{Category: "unguarded", Confidence: confidence, Message: "written by two goroutines"}}
	}
	imp := strings.Index(aGo, "import")
	p := &Plan{
		ToolVersion: "test", Module: "m", Strategy: "auto", Complete: true,
		Runtime: Runtime{Dir: "internal/safemap", Version: 1, Files: []string{"sharded.go"}},
		Shared: []SharedEdit{
			{Edit: Edit{File: "a.go", Start: imp, End: imp, New: "import \"m/internal/safemap\"\n"}, Sites: []string{"s1", "s2"}},
			{Edit: Edit{File: "internal/safemap/sharded.go", New: "package safemap\n"}, Create: true, Sites: []string{"s1", "s2", "s3"}},
		},
		Sites: []*Site{
			{ID: "s1", Name: "a.one", Kind: "package-var", Type: "map[string]int", Package: "m", Pos: Pos{"a.go", 5, 5}, Status: Proposed,
				Findings: finding("high"), Strategy: Strategy{Name: "sharded", Reason: "many writers"},
				Edits: []Edit{
					replace(t, "a.go", aGo, "var one = map[string]int{}\n", "var one = safemap.NewSharded[string, int]()\n"),
					replace(t, "a.go", aGo, "func f() { one[\"k\"]++ }\n", "func f() { one.Add(\"k\") }\n"),
				}},
			{ID: "s2", Name: "a.two", Kind: "package-var", Type: "map[string]int", Package: "m", Pos: Pos{"a.go", 9, 5}, Status: Proposed,
				CoupledWith: []string{"s3"}, Findings: finding("confirmed"), Strategy: Strategy{Name: "sharded", Reason: "many writers"},
				Edits: []Edit{replace(t, "a.go", aGo, "var two = map[string]int{}\n", "var two = safemap.NewSharded[string, int]()\n")}},
			{ID: "s3", Name: "b.two", Kind: "local", Type: "map[string]int", Package: "m/b", Pos: Pos{"b/b.go", 4, 2}, Status: Proposed,
				CoupledWith: []string{"s2"}, Findings: finding("medium"), Strategy: Strategy{Name: "sharded", Reason: "as a.two"},
				Edits: []Edit{replace(t, "b/b.go", bGo, "\ttwo[\"k\"] = 1\n", "\ttwo.Store(\"k\", 1)\n")}},
			{ID: "s4", Name: "b.cache", Kind: "field", Type: "map[string]any", Package: "m/b", Pos: Pos{"b/b.go", 1, 1}, Status: Refused,
				Findings: finding("low"),
				Refusals: []*Refusal{{Code: "address-taken", Class: Unsafe, Message: "&c.cache is taken", Remedy: "pass the map itself", Pos: Pos{"b/b.go", 3, 1}}}},
		},
	}
	if err := p.Seal(mapFS(files()), ""); err != nil {
		t.Fatal(err)
	}
	return p
}

// module writes files to a new directory and returns it.
func module(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for f, text := range files {
		name := filepath.Join(dir, filepath.FromSlash(f))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree returns the files below dir, without git's and mapmigrate's own.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".git" || e.Name() == Folder {
				return filepath.SkipDir
			}
			return nil
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		got[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// runGit runs git in dir without the user's configuration.
func runGit(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.autocrlf=false"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+filepath.Join(t.TempDir(), "none"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	return out.String()
}

func approvedPlan(t testing.TB) *Plan {
	t.Helper()
	p := newPlan(t)
	p.ApproveAll()
	return p
}
