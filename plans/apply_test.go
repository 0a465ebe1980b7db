package plans

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// applied is the module with the sites ids applied.
func applied(t testing.TB, p *Plan, ids ...string) map[string]string {
	t.Helper()
	out, err := p.Compose(mapFS(files()), ids)
	if err != nil {
		t.Fatal(err)
	}
	want := files()
	for f, text := range out {
		want[f] = string(text)
	}
	return want
}

func wantTree(t testing.TB, dir string, want map[string]string) {
	t.Helper()
	got := tree(t, dir)
	if !maps.Equal(got, want) {
		t.Errorf("files differ:\ngot  %q\nwant %q", got, want)
	}
}

func TestApplyUndo(t *testing.T) {
	syncing = true
	defer func() { syncing = false }()
	dir := module(t, files())
	if err := os.Chmod(filepath.Join(dir, "a.go"), 0o640); err != nil {
		t.Fatal(err)
	}
	p := approvedPlan(t)
	all := applied(t, p, "s1", "s2", "s3")
	one := applied(t, p, "s1")

	var checked []string
	res, err := Apply(dir, p, []string{"s1"}, ApplyOptions{Check: func(overlay map[string][]byte) error {
		wantTree(t, dir, files())
		checked = slices.Sorted(maps.Keys(overlay))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.go", "internal/safemap/sharded.go"}; !slices.Equal(checked, want) || !slices.Equal(res.Files, want) || res.Written != 2 {
		t.Errorf("checked %v, wrote %v", checked, res.Files)
	}
	if fmt.Sprint(res.Applied, res.Skipped, res.Refused) != "[s1] [s2 s3] [s4]" {
		t.Errorf("got %+v", res)
	}
	wantTree(t, dir, one)
	if info, _ := os.Stat(filepath.Join(dir, "a.go")); info.Mode().Perm() != 0o640 {
		t.Errorf("mode is %v", info.Mode())
	}

	// The rest comes on top, though a.go is not the plan's baseline any more.
	saved, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if saved.Site("s1").Status != Applied || saved.Summary.Status["applied"] != 1 {
		t.Errorf("saved plan has %s", saved.Site("s1").Status)
	}
	res, err = Apply(dir, saved, nil, ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(res.Applied, res.Files) != "[s2 s3] [a.go b/b.go]" {
		t.Errorf("got %+v", res)
	}
	wantTree(t, dir, all)

	// Again: nothing to do.
	res, err = Apply(dir, saved, nil, ApplyOptions{})
	if err != nil || res.Written != 0 || len(res.Applied) != 0 {
		t.Errorf("got %+v, %v", res, err)
	}

	undone, err := Undo(dir)
	if err != nil || fmt.Sprint(undone.Sites) != "[s2 s3]" {
		t.Fatalf("got %+v, %v", undone, err)
	}
	wantTree(t, dir, one)
	if _, err := Undo(dir); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, files())
	if _, err := os.Stat(filepath.Join(dir, "internal")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the created directory is still there: %v", err)
	}
	if saved, err := Open(dir); err != nil || saved.Site("s1").Status != Approved {
		t.Errorf("after undo: %v", err)
	}
	if _, err := Undo(dir); !errors.Is(err, ErrNothingToUndo) {
		t.Errorf("got %v", err)
	}
}

func TestApplyRefuses(t *testing.T) {
	dir := module(t, files())
	p := newPlan(t)
	usage := func(err error, want string) {
		t.Helper()
		var u *UsageError
		if !errors.As(err, &u) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a usage error with %q", err, want)
		}
		wantTree(t, dir, files())
	}
	apply := func(ids ...string) error {
		_, err := Apply(dir, p, ids, ApplyOptions{})
		return err
	}
	usage(apply("s1"), "s1 (a.one) is proposed, not approved")
	usage(apply("s9"), `no site "s9" (did you mean s1`)
	usage(apply("s4"), "address-taken: &c.cache is taken")
	p.ApproveAll()
	usage(apply("s2"), "s2 can only be applied together with s3")

	boom := errors.New("does not type-check")
	if _, err := Apply(dir, p, nil, ApplyOptions{Check: func(map[string][]byte) error { return boom }}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	wantTree(t, dir, files())
	if p.Site("s1").Status != Approved {
		t.Errorf("status is %s", p.Site("s1").Status)
	}

	// Someone saves a file while the check runs.
	_, err := Apply(dir, p, nil, ApplyOptions{Check: func(map[string][]byte) error {
		return os.WriteFile(filepath.Join(dir, "b", "b.go"), []byte("package b\n"), 0o666)
	}})
	var stale *StaleError
	if !errors.As(err, &stale) || !strings.Contains(err.Error(), "b/b.go changed") {
		t.Errorf("got %v", err)
	}
	// And now the plan is stale for s2 and s3 from the start, but not for s1.
	if _, err = Apply(dir, p, nil, ApplyOptions{}); !errors.As(err, &stale) || fmt.Sprint(stale.Survivors, stale.Lost) != "[s1] [s2 s3]" {
		t.Errorf("got %v", err)
	}
	if _, err = Apply(dir, p, []string{"s1"}, ApplyOptions{}); err != nil {
		t.Error(err)
	}
}

func TestApplyOnChangedResult(t *testing.T) {
	// After s1 is applied, its file is edited or taken back by hand: the others in
	// that file are stale then, and s1 is not applied a second time.
	for _, text := range []string{aGo, "package a // by hand\n"} {
		dir := module(t, files())
		p := approvedPlan(t)
		if _, err := Apply(dir, p, []string{"s1"}, ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		var stale *StaleError
		if _, err := Apply(dir, p, nil, ApplyOptions{}); !errors.As(err, &stale) || stale.Files[0].Path != "a.go" {
			t.Errorf("got %v", err)
		}
		var changed *ChangedError
		if _, err := Undo(dir); !errors.As(err, &changed) || !strings.Contains(err.Error(), "a.go changed since apply") {
			t.Errorf("got %v", err)
		}
	}
}
