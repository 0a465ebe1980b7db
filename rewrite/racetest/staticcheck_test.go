package racetest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

// TestStaticcheck: generated files give staticcheck nothing to say. They are those of the
// racy and of the correct programs, all in a copy of the corpus. It needs staticcheck
// (honnef.co/go/tools/cmd/staticcheck) on the path, which is no dependency of ours.
func TestStaticcheck(t *testing.T) {
	tool, err := exec.LookPath("staticcheck")
	if err != nil {
		t.Skip("staticcheck is not on the path")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "corpus"))); err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, part := range []string{"racy", "correct"} {
		c := readCorpus(t, part)
		g := New(c.prog, Options{MinConfidence: detect.Medium})
		for _, m := range c.maps {
			rt, err := g.Generate(m)
			if err != nil {
				continue
			}
			files++
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(rt.File)), rt.Source, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), tool, "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for l := range bytes.Lines(out) {
		if text := string(l); strings.Contains(text, "zz_mapmigrate_") || strings.Contains(text, "(compile)") {
			t.Error(strings.TrimSpace(text))
		}
	}
	t.Logf("%d generated files", files)
}
