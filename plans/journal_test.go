package plans

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var errKilled = errors.New("killed")

// killAt lets n steps that change the disk happen and none after them: for the disk,
// the process ends there. It returns how many steps were asked for.
func killAt(t testing.TB, n int) (steps *int) {
	steps = new(int)
	beforeStep = func(op, path string) error {
		*steps++
		if *steps > n {
			return fmt.Errorf("%s %s: %w", op, path, errKilled)
		}
		return nil
	}
	t.Cleanup(revive)
	return steps
}

func revive() {
	beforeStep = func(op, path string) error { return nil }
}

// TestKilled ends apply and undo before each of their steps in turn, and then ends
// the recovery in the same way: afterwards every file is old, or every file is new,
// and plan.json and the undo records say which.
func TestKilled(t *testing.T) {
	p := approvedPlan(t)
	old, new := files(), applied(t, p, "s1", "s2", "s3")
	ready := func() string {
		dir := module(t, files())
		if err := Save(dir, approvedPlan(t), nil); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	apply := func(dir string) error {
		_, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{})
		return err
	}
	undo := func(dir string) error {
		_, err := Undo(dir)
		return err
	}
	check := func(what, dir string) {
		t.Helper()
		saved, err := Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got := tree(t, dir)
		isOld, isNew := maps.Equal(got, old), maps.Equal(got, new)
		if !isOld && !isNew {
			t.Fatalf("%s: files are neither old nor new: %q", what, got)
		}
		if _, err := os.Stat(filepath.Join(dir, "internal")); isOld && err == nil {
			t.Errorf("%s: an empty directory is left", what)
		}
		for _, id := range []string{"s1", "s2", "s3"} {
			if s := saved.Site(id); (s.Status == Applied) != isNew {
				t.Fatalf("%s: new files: %v, but %s is %s", what, isNew, id, s.Status)
			}
		}
		records, _ := os.ReadDir(filepath.Join(dir, Folder, "undo"))
		if (len(records) == 1) != isNew {
			t.Fatalf("%s: new files: %v, but %d undo records", what, isNew, len(records))
		}
		for _, name := range []string{"journal", "journal.new"} {
			if _, err := os.Stat(filepath.Join(dir, Folder, name)); err == nil {
				t.Fatalf("%s: %s is left", what, name)
			}
		}
		if isNew { // and there is a way back
			if err := undo(dir); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			wantTree(t, dir, old)
		}
	}
	for _, run := range []struct {
		name   string
		before func(dir string) error
		do     func(dir string) error
	}{
		{"apply", func(string) error { return nil }, apply},
		{"undo", apply, undo},
	} {
		n := 0
		for done := false; !done; n++ {
			dir := ready()
			if err := run.before(dir); err != nil {
				t.Fatal(err)
			}
			steps := killAt(t, n)
			err := run.do(dir)
			done = *steps <= n
			if done && err != nil {
				t.Fatal(err)
			}
			// The recovery is killed too, at a step that wanders; then it is not.
			killAt(t, n%7)
			_, _ = Recover(dir)
			revive()
			if _, err := Recover(dir); err != nil {
				t.Fatalf("%s killed at step %d: %v", run.name, n, err)
			}
			check(fmt.Sprintf("%s killed at step %d", run.name, n), dir)
		}
		if n < 15 {
			t.Errorf("%s took only %d steps", run.name, n)
		}
	}
}

// TestWriteFails: one step fails, and the process lives on: apply itself takes the
// change back.
func TestWriteFails(t *testing.T) {
	for n := 1; ; n++ {
		dir := module(t, files())
		p := approvedPlan(t)
		steps := 0
		failed := ""
		beforeStep = func(op, path string) error {
			if steps++; steps == n && op != "remove" {
				failed = op + " " + path
				return errors.New("disk full")
			}
			return nil
		}
		_, err := Apply(dir, p, nil, ApplyOptions{})
		revive()
		if steps < n {
			break
		}
		if failed == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Fatalf("%s failed: got %v", failed, err)
		}
		wantTree(t, dir, files())
		if p.Site("s1").Status != Approved {
			t.Errorf("%s failed, but s1 is %s", failed, p.Site("s1").Status)
		}
		if rec, err := Recover(dir); err != nil || rec.Outcome != Nothing {
			t.Errorf("%s failed: recover: %+v, %v", failed, rec, err)
		}
		if _, err := Apply(dir, p, nil, ApplyOptions{}); err != nil {
			t.Errorf("%s failed: second try: %v", failed, err)
		}
	}
}

// TestRecoverConflict: a file that someone changed after the kill is never written
// over, and no other file is touched either.
func TestRecoverConflict(t *testing.T) {
	dir := module(t, files())
	killed := false
	beforeStep = func(op, path string) error {
		if killed = killed || op == "rename" && path == "b/b.go"; killed {
			return errKilled
		}
		return nil
	}
	_, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{})
	revive()
	if !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b", "b.go"), []byte("package b // mine\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	var conflict *ConflictError
	for _, do := range []func() error{
		func() error { _, err := Recover(dir); return err },
		func() error { _, err := Undo(dir); return err },
		func() error { _, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{}); return err },
	} {
		if err := do(); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "b/b.go changed") {
			t.Errorf("got %v", err)
		}
		wantTree(t, dir, before)
	}
	// The way out that the message names.
	if err := os.WriteFile(filepath.Join(dir, "b", "b.go"), []byte(bGo), 0o666); err != nil {
		t.Fatal(err)
	}
	rec, err := Recover(dir)
	if err != nil || rec.Outcome != Completed || fmt.Sprint(rec.Sites) != "[s1 s2 s3]" {
		t.Errorf("got %+v, %v", rec, err)
	}
	wantTree(t, dir, applied(t, approvedPlan(t), "s1", "s2", "s3"))
}

// TestDamagedJournal: a journal names files to write, so it is not trusted either.
func TestDamagedJournal(t *testing.T) {
	for name, change := range map[string]func(record string) string{
		"outside":   func(s string) string { return strings.Replace(s, `"b/b.go"`, `"../b.go"`, 1) },
		"git":       func(s string) string { return strings.Replace(s, `"b/b.go"`, `".git/b.go"`, 1) },
		"truncated": func(s string) string { return s[:len(s)/2] },
		"version":   func(s string) string { return strings.Replace(s, `"version": 1`, `"version": 9`, 1) },
		"blob":      func(s string) string { return strings.Replace(s, `"new": "`, `"new": "00`, 1) },
	} {
		dir := module(t, files())
		if _, err := Apply(dir, approvedPlan(t), nil, ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, Folder, "undo", "0001", "record.json")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(change(string(data))), 0o666); err != nil {
			t.Fatal(err)
		}
		before := tree(t, dir)
		if _, err := Undo(dir); err == nil {
			t.Errorf("%s: undo goes ahead", name)
		}
		wantTree(t, dir, before)
	}
}
