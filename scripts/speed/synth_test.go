package main

import (
	"os/exec"
	"strings"
	"testing"
)

// A synthetic module is sound, its packages use each other, and twice the packages are
// twice the code.
func TestWriteModule(t *testing.T) {
	lines := map[int]int{}
	for _, n := range []int{20, 40} {
		dir := t.TempDir()
		if err := writeModule(dir, n); err != nil {
			t.Fatal(err)
		}
		var err error
		if lines[n], err = countLines(dir); err != nil {
			t.Fatal(err)
		}
		if n == 40 {
			continue
		}
		cmd := exec.Command("go", "vet", "./...")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go vet: %v\n%s", err, out)
		}
		cmd = exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "./internal/svc019")
		cmd.Dir = dir
		if out, err := cmd.Output(); err != nil || strings.Count(string(out), "/internal/svc0") != 3 {
			t.Errorf("svc019 imports %s (%v)", out, err)
		}
	}
	if per20, per40 := lines[20]/20, lines[40]/40; per40*10 < per20*9 || per40*10 > per20*11 {
		t.Errorf("%d lines a package in a small module, %d in a large one", per20, per40)
	}
}
