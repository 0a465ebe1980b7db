package racetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/evidence"
)

// module writes files into a new module and loads it.
func writeModule(t *testing.T, files map[string]string) (string, *detect.Program) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com/app\n\ngo 1.25\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	prog, err := detect.Load(detect.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return dir, prog
}

// TestOutcomes: every outcome, told apart, one spoiling none of the others.
func TestOutcomes(t *testing.T) {
	needRace(t)
	dir, _ := writeModule(t, map[string]string{"p.go": `package p

var mine = map[int]int{}
var other = map[int]int{}

func touch(m map[int]int) { m[1]++ }

func useMine() { mine[1]++ }
`})
	test := func(name, imports, body string) *Test {
		return &Test{
			File: "zz_mapmigrate_" + strings.ToLower(name) + "_test.go", Name: "Test" + name, Level: Program, Package: "example.com/app",
			Source: []byte("package p\n\nimport (\n" + imports + "\"testing\"\n)\n\nfunc Test" + name + "(t *testing.T) {\n" + body + "\n}\n"),
			Places: []evidence.Place{{File: "p.go", Line: 8}},
		}
	}
	tests := []*Test{
		test("Passes", "", ""),
		test("Races", "\"sync\"\n", "var wg sync.WaitGroup\nfor range 2 { wg.Go(useMine) }\nwg.Wait()"),
		test("RacesElsewhere", "\"sync\"\n", "var wg sync.WaitGroup\nfor range 2 { wg.Go(func() { touch(other) }) }\nwg.Wait()"),
		test("Panics", "", "panic(\"oh no\")"),
		test("Hangs", "", "for { if testing.Short() { return } }"),
		test("DoesNotCompile", "", "undefined()"),
	}
	want := []string{Passed, Failed, NotReproduced, NotReproduced, TimedOut, DidNotBuild}
	last := 0
	outs, err := Run(context.Background(), dir, Overlay(dir, nil, tests), tests, RunOptions{Timeout: 2 * time.Second, Progress: func(done, total int) {
		if done != last+1 || total != len(tests) {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outs {
		if o.Result != want[i] {
			t.Errorf("%s: %s, want %s: %s\n%s", o.Test.Name, o.Result, want[i], o.Detail, o.Output)
		}
	}
	if d := outs[1].Detail; !strings.Contains(d, "p.go:8") {
		t.Errorf("the race's sentence names no line: %s", d)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("the working tree changed: %v", entries)
	}
}

// TestEffects: what a generated test must not call, and that the reason names it.
func TestEffects(t *testing.T) {
	_, prog := writeModule(t, map[string]string{"p.go": `package p

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"unsafe"
)

func pure(s string) string         { return strings.ToUpper(fmt.Sprint(s, os.Getenv("HOME"))) }
func prints()                      { log.Printf("x"); fmt.Fprintln(os.Stderr) }
func looks(s string) []byte        { return unsafe.Slice(unsafe.StringData(s), len(s)) }
func respond(w http.ResponseWriter) { http.Error(w, "no", 500); _ = net.ParseIP("::1") }
func exits()                       { if len(os.Args) > 9 { os.Exit(1) } }
func fatal()                       { log.Fatal("x") }
func method(l *log.Logger)         { l.Fatalf("x") }
func writes()                      { os.WriteFile("x", nil, 0) }
func runs()                        { exec.Command("ls") }
func fetches()                     { http.Get("http://localhost") }
func client(c *http.Client)        { c.Do(nil) }
func dials()                       { net.Dial("tcp", "localhost:1") }
func casts(p *int) *uint           { return (*uint)(unsafe.Pointer(p)) }
func deep()                        { helper(func() { writes() }) }
func helper(f func())              { f() }

var hook = func() { exits() }

func viaVar()   { hook() }
func viaValue() { helper(fatal) }

type sink interface{ put() }
type fileSink struct{}

func (fileSink) put() { writes() }

type memSink struct{}

func (memSink) put() {}

func viaInterface(s sink) { s.put() } // nobody here makes a fileSink
func makesSink()          { viaInterface(fileSink{}) }
func makesMem()           { viaInterface(memSink{}) }
func reads(r io.Reader)   { io.ReadAll(r) }
`})
	x := newIndex(prog)
	tests := map[string]string{ // "" is safe
		"pure": "", "prints": "", "looks": "", "respond": "", "viaInterface": "", "makesMem": "", "reads": "",
		"exits": "os.Exit", "fatal": "log.Fatal", "method": "Logger).Fatalf", "writes": "os.WriteFile", "runs": "exec.Command",
		"fetches": "http.Get", "client": "Client).Do", "dials": "net.Dial", "casts": "unsafe.Pointer",
		"deep": "os.WriteFile", "viaVar": "os.Exit", "viaValue": "log.Fatal", "makesSink": "os.WriteFile",
	}
	for f := range x.funcs {
		want, ok := tests[x.funcs[f].obj.Name()]
		if !ok || f.Signature().Recv() != nil {
			continue
		}
		got := x.reach(x.funcs[f]).unsafe
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want one that names %q", f.Name(), got, want)
		}
	}
}

// TestVersions: which form a go directive and a toolchain allow.
func TestVersions(t *testing.T) {
	tests := []struct {
		directive, toolchain string
		ok, constrained      bool
	}{
		{"1.25", "1.26.1", true, false},
		{"1.26", "1.26", true, false},
		{"1.24", "1.25rc1", true, true},
		{"1.23.4", "1.26", true, true},
		{"1.22", "1.26", false, false},
		{"1.24", "1.24.9", false, false},
		{"", "1.26", false, false},
	}
	for _, tt := range tests {
		g := &Generator{x: &index{prog: &detect.Program{GoVersion: tt.directive}}, opts: Options{Toolchain: tt.toolchain}}
		if ok, constrained := g.synctestOK(); ok != tt.ok || constrained != tt.constrained {
			t.Errorf("go %s with toolchain %s: %v, %v", tt.directive, tt.toolchain, ok, constrained)
		}
	}
}
