package plans

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDiffGitApply: git takes what Diff writes, and makes the same bytes of it.
func TestDiffGitApply(t *testing.T) {
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "line %d\n", i)
		}
		return b.String()
	}
	many := lines(60)
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	edit := strings.NewReplacer("line 3\n", "new 3\n", "line 9\n", "", "line 10\n", "new 10\n", "line 17\n", "line 17\nadded\n", "line 59\n", "last\n").Replace
	// a change, by name of the file
	tests := map[string][2]any{
		"plain.go":                {many, edit(many)},
		"top.go":                  {many, "first\n" + many},
		"bottom.go":               {many, many + "last\n"},
		"crlf.go":                 {crlf(many), crlf(edit(many))},
		"bom.go":                  {"\ufeff" + many, "\ufeff" + edit(many)},
		"no-eol.go":               {strings.TrimSuffix(many, "\n"), strings.TrimSuffix(edit(many), "\n")},
		"eol-lost.go":             {many, strings.TrimSuffix(many, "\n")},
		"eol-won.go":              {strings.TrimSuffix(many, "\n"), many},
		"one.go":                  {"x", "y"},
		"emptied.go":              {many, ""},
		"filled.go":               {"", many},
		"new.go":                  {nil, many},
		"new-no-eol.go":           {nil, "x"},
		"new-empty.go":            {nil, ""},
		"gone.go":                 {many, nil},
		"gone-empty.go":           {"", nil},
		"same.go":                 {many, many},
		"deep/new/dir.go":         {nil, many},
		"with space.go":           {many, edit(many)},
		"new space/x y.go":        {nil, "x\n"},
		"späße \"q\"\\\t世.go":     {many, edit(many)},
		"a/b/diff --git a b/a.go": {many, edit(many)},
	}
	for _, prefix := range []string{"", "sub/mod ule"} {
		dir := t.TempDir()
		runGit(t, dir, "", "init", "-q")
		var files []File
		want := map[string]string{}
		for name, change := range tests {
			f := File{Path: name}
			if s, ok := change[0].(string); ok {
				f.Before = []byte(s)
				full := filepath.Join(dir, prefix, name)
				os.MkdirAll(filepath.Dir(full), 0o777)
				if err := os.WriteFile(full, f.Before, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if s, ok := change[1].(string); ok {
				f.After = []byte(s)
				want[filepath.ToSlash(filepath.Join(prefix, name))] = s
			}
			files = append(files, f)
		}
		runGit(t, dir, "", "add", "-A")
		patch := Diff(prefix, files...)
		runGit(t, dir, patch, "apply", "--check", "-")
		runGit(t, dir, patch, "apply", "--index", "-")
		got := tree(t, dir)
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: got %q, want %q", name, got[name], want[name])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d files, want %d", len(got), len(want))
		}
	}
}

func TestDiffForm(t *testing.T) {
	got := Diff("m", File{"x.go", []byte("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n"), []byte("a\nB\nc\nd\ne\nf\ng\nh\ni\nJ\nk")})
	want := `diff --git a/m/x.go b/m/x.go
--- a/m/x.go
+++ b/m/x.go
@@ -1,5 +1,5 @@
 a
-b
+B
 c
 d
 e
@@ -7,5 +7,5 @@
 g
 h
 i
-j
-k
+J
+k
\ No newline at end of file
`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
	if got := Diff("", File{"x.go", []byte("a\n"), []byte("a\n")}); got != "" {
		t.Errorf("got %q for no change", got)
	}
}

// text draws a file of few different lines, so that diffs have much to confuse.
var text = rapid.Custom(func(t *rapid.T) []byte {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "\n", "}\n", "x\r\n", "é\n", "{\n"}), 0, 30).Draw(t, "lines")
	return []byte(strings.Join(lines, "") + rapid.SampledFrom([]string{"", "end"}).Draw(t, "end"))
})

func TestEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		edits := Edits("x.go", before, after)
		var owned []ownedEdit
		lineStart := func(at int) bool { return at == 0 || at == len(before) || before[at-1] == '\n' }
		for i, e := range edits {
			owned = append(owned, ownedEdit{Edit: e})
			if !lineStart(e.Start) || !lineStart(e.End) {
				t.Fatalf("edit [%d, %d) is not of whole lines", e.Start, e.End)
			}
			if i > 0 && e.Start <= edits[i-1].End {
				t.Fatalf("edits [%d, %d) and [%d, %d) touch", edits[i-1].Start, edits[i-1].End, e.Start, e.End)
			}
		}
		got, err := splice(before, owned)
		if err != nil || !bytes.Equal(got, after) {
			t.Fatalf("got %q, %v", got, err)
		}
		if bytes.Equal(before, after) != (len(edits) == 0) {
			t.Fatalf("%d edits", len(edits))
		}
	})
}

// TestEditsMinimal: many scattered changes stay many small edits.
func TestEditsMinimal(t *testing.T) {
	var before, after strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&before, "line %d\n", i)
		if i%10 == 5 {
			fmt.Fprintf(&after, "changed %d\n", i)
		} else {
			fmt.Fprintf(&after, "line %d\n", i)
		}
	}
	if n := len(Edits("x.go", []byte(before.String()), []byte(after.String()))); n != 300 {
		t.Errorf("%d edits for 300 changed lines", n)
	}
}

func TestDiffHuge(t *testing.T) {
	if testing.Short() {
		t.Skip("needs some memory")
	}
	var b strings.Builder
	for i := range 1_150_000 { // more than go-diff can number
		fmt.Fprintf(&b, "%x\n", i)
	}
	before := b.String()
	edits := Edits("x.go", []byte(before), []byte(before+"end\n"))
	if len(edits) != 1 || edits[0].New != "end\n" {
		t.Errorf("%d edits, %d bytes", len(edits), len(edits[0].New))
	}
}
