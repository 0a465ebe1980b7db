package main

import (
	"encoding/json"
	"errors"
	"flag"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mapmigrate": main})
}

var update = flag.Bool("update", false, "update the wanted output in scripts")

// TestScript runs testdata/script: one idea a file, said in its first comment.
func TestScript(t *testing.T) {
	// Not os.DevNull: where a sandbox has a plain file in its place, whatever a process
	// wrote there would be read as git's configuration.
	gitConfig := filepath.Join(t.TempDir(), "gitconfig")
	if err := os.WriteFile(gitConfig, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	p := testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":        exits,
			"example":      example,
			"json":         jsonCmd,
			"comments":     commentsCmd,
			"snapshot":     snapshot,
			"same":         same,
			"changed-only": changedOnly,
			"edit":         edit,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOWORK", "off")
			env.Setenv("GOTOOLCHAIN", "local")
			env.Setenv("GOFLAGS", "")
			env.Setenv("CGO_ENABLED", os.Getenv("CGO_ENABLED"))
			env.Setenv("GIT_CONFIG_GLOBAL", gitConfig)
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				env.Setenv("GIT_"+who+"_NAME", "t")
				env.Setenv("GIT_"+who+"_EMAIL", "t@example.com")
			}
			// Like every user, and unlike other tests, share the build cache.
			if cache, err := exec.Command("go", "env", "GOCACHE").Output(); err == nil {
				env.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
			}
			return nil
		},
	}
	if err := gotooltest.Setup(&p); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, p)
}

// exits CODE command [args...] runs a command and wants exactly that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// example NAME copies a module of examples/ to the directory NAME, makes it a git
// repository and enters it.
func example(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: example NAME")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", args[0]))))
	ts.Check(os.RemoveAll(filepath.Join(dir, ".mapmigrate")))
	ts.Check(ts.Chdir(args[0]))
	ts.Check(ts.Exec("git", "init", "-q"))
	ts.Check(ts.Exec("git", "add", "."))
	ts.Check(ts.Exec("git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "commit", "-qm", "as it was"))
}

// root is the repository's root; scripts run elsewhere.
var root = func() string {
	abs, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return abs
}()

// jsonCmd FILE [path value]... wants valid JSON with these values at these paths, such
// as runs.0.version. A number in a path is an index, len the length of a list.
func jsonCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args)%2 != 1 {
		ts.Fatalf("usage: json FILE [path value]...")
	}
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for i := 1; i < len(args); i += 2 {
		at := doc
		for step := range strings.SplitSeq(args[i], ".") {
			switch v := at.(type) {
			case map[string]any:
				at = v[step]
			case []any:
				if step == "len" {
					at = len(v)
				} else if n, err := strconv.Atoi(step); err == nil && n < len(v) {
					at = v[n]
				} else {
					ts.Fatalf("%s: %s: no element %s of %d", args[0], args[i], step, len(v))
				}
			default:
				at = nil
			}
		}
		got, ok := at.(string)
		if !ok {
			data, err := json.Marshal(at)
			ts.Check(err)
			got = string(data)
		}
		if got != args[i+1] {
			ts.Fatalf("%s: %s is %s, want %s", args[0], args[i], got, args[i+1])
		}
	}
}

// goFiles returns the contents of the Go files of a directory's tree, by their path
// in it, without those that mapmigrate made.
func goFiles(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	ts.Check(fs.WalkDir(os.DirFS(ts.MkAbs(dir)), ".", func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.Contains(path, "safemap") {
			files[path] = ts.ReadFile(filepath.Join(dir, path))
		}
		return err
	}))
	return files
}

// snapshot NAME remembers the Go files of the current directory.
func snapshot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: snapshot NAME")
	}
	for path, text := range goFiles(ts, ".") {
		file := filepath.Join(ts.Getenv("WORK"), ".snapshot", args[0], path)
		ts.Check(os.MkdirAll(filepath.Dir(file), 0o777))
		ts.Check(os.WriteFile(file, []byte(text), 0o666))
	}
}

// same NAME wants the Go files to be what they were when the snapshot was made; with
// !, it wants a difference.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] same NAME")
	}
	was := goFiles(ts, filepath.Join(ts.Getenv("WORK"), ".snapshot", args[0]))
	now := goFiles(ts, ".")
	equal := len(was) == len(now)
	for path, text := range was {
		if now[path] != text {
			equal = false
			if !neg {
				ts.Logf("%s differs", path)
			}
		}
	}
	if equal == neg {
		ts.Fatalf("files are the same as in %s: %v", args[0], equal)
	}
}

// commentsCmd NAME wants every comment of the snapshot to be there still, in its file.
func commentsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: comments NAME")
	}
	now := goFiles(ts, ".")
	total := 0
	for path, text := range goFiles(ts, filepath.Join(ts.Getenv("WORK"), ".snapshot", args[0])) {
		have := comments(ts, path, now[path])
		for _, c := range comments(ts, path, text) {
			i := slices.Index(have, c)
			if i < 0 {
				ts.Fatalf("%s: the comment %q is gone", path, c)
			}
			have = slices.Delete(have, i, i+1)
			total++
		}
	}
	if total == 0 {
		ts.Fatalf("no comment was compared")
	}
}

func comments(ts *testscript.TestScript, path, text string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
	ts.Check(err)
	var all []string
	for _, group := range f.Comments {
		for _, c := range group.List {
			all = append(all, c.Text)
		}
	}
	return all
}

// changedOnly REGEXP wants every line that `git diff -w` takes away to match, and
// something to have changed: what does not mention the map is not touched.
func changedOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: changed-only REGEXP")
	}
	want := regexp.MustCompile(args[0])
	ts.Check(ts.Exec("git", "diff", "-w", "-U0"))
	n := 0
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "---") {
			n++
			if !want.MatchString(line) {
				ts.Fatalf("an unrelated line changed: %s", line)
			}
		}
	}
	if n == 0 {
		ts.Fatalf("nothing changed")
	}
}

// edit FILE OLD NEW replaces one occurrence.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if strings.Count(text, args[1]) < 1 {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	text = strings.Replace(text, args[1], args[2], 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}
