// This file finds goroutines that a test leaves behind.

package racetest

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// Two tests of our own frame the one that runs: the first remembers the goroutines there
// are, the last names those that are new and do not end within a second. They are what
// go.uber.org/goleak with IgnoreCurrent would do, in a file that only the overlay has:
// the module under test must not get a dependency for it. In a synctest bubble the
// testing package itself fails on what is left.
const (
	leakStart = "TestMapmigrateLeaksStart"
	leakEnd   = "TestMapmigrateLeaksEnd"
	leakMark  = "mapmigrate-leak: "
)

// The names put them around every zz_mapmigrate_….go: tests run in the order of files.
const (
	leakStartFile = "zz_mapmigrate0_test.go"
	leakEndFile   = "zz_mapmigratez_test.go"
)

const leakStartSource = `

import (
	"runtime"
	"strings"
	"testing"
)

var mapmigrateGoroutines map[string]string

func TestMapmigrateLeaksStart(t *testing.T) { mapmigrateGoroutines = mapmigrateStacks() }

func mapmigrateStacks() map[string]string {
	buf := make([]byte, 1<<16)
	for n := runtime.Stack(buf, true); ; n = runtime.Stack(buf, true) {
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := map[string]string{}
	for _, g := range strings.Split(string(buf), "\n\n") {
		head, rest, _ := strings.Cut(g, " [")
		all[head] = rest
	}
	return all
}
`

const leakEndSource = `

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMapmigrateLeaksEnd(t *testing.T) {
	for try := 0; ; try++ {
		left := 0
		for id, stack := range mapmigrateStacks() {
			if _, old := mapmigrateGoroutines[id]; old || strings.Contains(stack, "TestMapmigrateLeaksEnd") || !strings.Contains(stack, "created by ") {
				continue
			}
			left++
			if try < 10 {
				continue
			}
			lines := strings.Split(stack, "\n")
			state, _, _ := strings.Cut(lines[0], "]")
			by := ""
			for _, l := range lines {
				if rest, ok := strings.CutPrefix(l, "created by "); ok {
					by, _, _ = strings.Cut(rest, " in goroutine")
				}
			}
			fmt.Printf("mapmigrate-leak: a goroutine that %s started is left [%s]\n", by, state)
		}
		if left == 0 || try == 10 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
`

// withLeakTests returns overlay with the two tests added to every package that tests are in.
func withLeakTests(dir string, overlay map[string][]byte, tests []*Test) map[string][]byte {
	out := make(map[string][]byte, len(overlay)+2)
	for name, data := range overlay {
		out[name] = data
	}
	for _, t := range tests {
		f, err := parser.ParseFile(token.NewFileSet(), "", t.Source, parser.PackageClauseOnly)
		if err != nil {
			continue // it will not build, and say so
		}
		folder := filepath.Join(dir, filepath.FromSlash(filepath.Dir(t.File)))
		clause := "package " + f.Name.Name
		out[filepath.Join(folder, leakStartFile)] = []byte(clause + leakStartSource)
		out[filepath.Join(folder, leakEndFile)] = []byte(clause + leakEndSource)
	}
	return out
}

// leaks returns what the last of the two tests said.
func leaks(out []byte) []string {
	var list []string
	for l := range strings.Lines(string(out)) {
		if _, rest, ok := strings.Cut(l, leakMark); ok {
			list = append(list, strings.TrimSpace(rest))
		}
	}
	return list
}
