package plans

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDirtyGuard(t *testing.T) {
	for _, sub := range []string{"", "mod"} {
		repo := t.TempDir()
		dir := filepath.Join(repo, sub)
		for f, text := range files() {
			os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o777)
			os.WriteFile(filepath.Join(dir, f), []byte(text), 0o666)
		}
		runGit(t, repo, "", "init", "-q")
		runGit(t, repo, "", "add", "-A")
		runGit(t, repo, "", "commit", "-q", "-m", "base")
		p := approvedPlan(t)
		if err := Save(dir, p, nil); err != nil {
			t.Fatal(err)
		}
		if out := runGit(t, repo, "", "status", "--porcelain"); out != "" {
			t.Errorf("git sees mapmigrate's folder: %s", out)
		}
		// What plan.diff holds is what git applies.
		runGit(t, repo, "", "apply", "--check", filepath.Join(dir, Folder, "plan.diff"))

		// Other files may be dirty, tracked or not.
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.25\n"), 0o666)
		os.WriteFile(filepath.Join(dir, "untracked.go"), []byte("package a\n"), 0o666)
		if _, err := Apply(dir, p, []string{"s1"}, ApplyOptions{}); err != nil {
			t.Fatalf("in %q: %v", sub, err)
		}
		// a.go is uncommitted now, and s2 would write it.
		var dirty *DirtyError
		if _, err := Apply(dir, p, nil, ApplyOptions{}); !errors.As(err, &dirty) || strings.Join(dirty.Files, ",") != "a.go" {
			t.Errorf("in %q: got %v", sub, err)
		}
		if _, err := Apply(dir, p, nil, ApplyOptions{AllowDirty: true}); err != nil {
			t.Error(err)
		}
		// With nothing to write a dirty tree does not matter.
		if res, err := Apply(dir, p, nil, ApplyOptions{}); err != nil || res.Written != 0 {
			t.Errorf("got %+v, %v", res, err)
		}
	}
}

func TestSymlinks(t *testing.T) {
	outside := t.TempDir()
	link := func(dir, target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	t.Run("file outside", func(t *testing.T) {
		m := files()
		delete(m, "a.go")
		dir := module(t, m)
		os.WriteFile(filepath.Join(outside, "a.go"), []byte(aGo), 0o666)
		link(dir, filepath.Join(outside, "a.go"), "a.go")
		if _, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{}); err == nil {
			t.Error("a file outside of the module is written")
		}
		if data, _ := os.ReadFile(filepath.Join(outside, "a.go")); string(data) != aGo {
			t.Errorf("it is %q now", data)
		}
	})
	t.Run("directory outside", func(t *testing.T) {
		dir := module(t, files())
		link(dir, outside, "internal") // internal/safemap/sharded.go would be created there
		if _, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{}); err == nil {
			t.Error("a file outside of the module is created")
		}
		if _, err := os.Stat(filepath.Join(outside, "safemap")); err == nil {
			t.Error("it is there")
		}
	})
	t.Run("own folder outside", func(t *testing.T) {
		dir := module(t, files())
		link(dir, outside, Folder)
		if _, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{}); err == nil {
			t.Error("the folder is written through a link")
		}
		if names, _ := os.ReadDir(outside); len(names) > 1 { // a.go is the first test's
			t.Errorf("%v is outside", names)
		}
	})
	t.Run("into git", func(t *testing.T) {
		dir := module(t, files())
		os.MkdirAll(filepath.Join(dir, ".git"), 0o777)
		link(dir, ".git", "internal")
		if _, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{AllowDirty: true}); err == nil || !strings.Contains(err.Error(), ".git") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("inside", func(t *testing.T) {
		m := files()
		m["real.txt"] = m["a.go"]
		delete(m, "a.go")
		dir := module(t, m)
		link(dir, "real.txt", "a.go")
		p := approvedPlan(t)
		// The journal names only Go files, so a link to another kind is refused too.
		if _, err := Apply(dir, p, []string{"s1"}, ApplyOptions{}); err == nil {
			t.Error("a file that is not Go is written through a link")
		}
		os.Rename(filepath.Join(dir, "real.txt"), filepath.Join(dir, "real.go"))
		os.Remove(filepath.Join(dir, "a.go"))
		link(dir, "real.go", "a.go")
		if _, err := Apply(dir, p, []string{"s1"}, ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(filepath.Join(dir, "a.go")); err != nil || to != "real.go" {
			t.Errorf("the link is gone: %v", err)
		}
		if _, err := Undo(dir); err != nil {
			t.Fatal(err)
		}
		if data, _ := os.ReadFile(filepath.Join(dir, "real.go")); string(data) != aGo {
			t.Errorf("got %q", data)
		}
	})
}

func TestSave(t *testing.T) {
	dir := module(t, files())
	p := newPlan(t)
	err := Save(dir, p, func(w io.Writer, p *Plan) error {
		_, err := io.WriteString(w, "# "+p.Module)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{".gitignore": "*\n", "plan.md": "# m"} {
		if got, err := os.ReadFile(filepath.Join(dir, Folder, name)); string(got) != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	diff := func() string {
		data, err := os.ReadFile(filepath.Join(dir, Folder, "plan.diff"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if got := diff(); strings.Count(got, "diff --git ") != 3 {
		t.Errorf("plan.diff: %s", got)
	}
	back, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	Encode(&a, p)
	Encode(&b, back)
	if a.String() != b.String() {
		t.Errorf("the plan changed on its way:\n%s", Diff("", File{"plan.json", a.Bytes(), b.Bytes()}))
	}

	// After an apply plan.diff holds what is left.
	p.ApproveAll()
	if _, err := Apply(dir, p, []string{"s2", "s3"}, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Save(dir, p, nil); err != nil {
		t.Fatal(err)
	}
	if got := diff(); strings.Count(got, "diff --git ") != 1 || strings.Contains(got, "+import") {
		t.Errorf("plan.diff: %s", got)
	}
	// And when that cannot be told, it says so.
	os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n"), 0o666)
	if err := Save(dir, p, nil); err != nil {
		t.Fatal(err)
	}
	if got := diff(); !strings.HasPrefix(got, "# no diff: the plan is out of date: a.go changed") {
		t.Errorf("plan.diff: %s", got)
	}

	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "run `mapmigrate plan` first") {
		t.Errorf("got %v", err)
	}
}

func TestTwoProcesses(t *testing.T) {
	dir := module(t, files())
	p := approvedPlan(t)
	if err := Save(dir, p, nil); err != nil {
		t.Fatal(err)
	}
	d, err := openDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	unlock, err := d.lock()
	if err != nil {
		t.Fatal(err)
	}
	if other, err := d.lock(); err == nil {
		other()
		t.Skip("no locks here")
	}
	if _, err := Apply(dir, p, nil, ApplyOptions{}); !errors.Is(err, errBusy) {
		t.Errorf("got %v", err)
	}
	wantTree(t, dir, files())
	if _, err := Recover(dir); err != nil {
		t.Errorf("where nothing is to be recovered, the lock is in the way: %v", err)
	}
	unlock()
	if _, err := Apply(dir, p, nil, ApplyOptions{}); err != nil {
		t.Error(err)
	}
}
