package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The logs in testdata are real: race.txt and race.json come from go test -race
// over a generic hub under testing/synctest, the crashes from small programs run
// until the runtime's own check noticed.

// summary renders reports in one line each: what the tables below compare.
func summary(reports []Report) string {
	var b strings.Builder
	for _, r := range reports {
		fmt.Fprintf(&b, "%s", r.Kind)
		if r.Message != "" {
			fmt.Fprintf(&b, " %q", r.Message)
		}
		for i := range r.Accesses {
			a := &r.Accesses[i]
			fmt.Fprintf(&b, " | %s g%d", a.Op, a.Goroutine)
			if f, ok := a.User(); ok {
				fmt.Fprintf(&b, " %s %s:%d", f.Func, filepath.Base(f.File), f.Line)
			}
			if a.OnMap() {
				b.WriteString(" map")
			}
			if n := len(a.CreatedBy); n > 0 {
				fmt.Fprintf(&b, " by %s", a.CreatedBy[0].Func)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestParseFiles(t *testing.T) {
	hub := func(op, fn string, g, line int, onMap string) string {
		return fmt.Sprintf(" | %s g%d example.com/rt/p.(*Hub[go.shape.string]).%s hub.go:%d%s by sync.(*WaitGroup).Go", op, g, fn, line, onMap)
	}
	tests := []struct{ file, want string }{
		{"race.txt", "race" + hub("read", "Each", 13, 17, " map") + hub("write", "Put", 12, 11, " map") + "\n" +
			"race" + hub("read", "Each", 13, 17, "") + hub("write", "Put", 12, 11, "") + "\n" +
			"race" + hub("read", "Each", 13, 18, "") + hub("write", "Put", 12, 13, " map") + "\n"},
		{"crash-iteration.txt", `crash "concurrent map iteration and map write" | read g26 main.scan main.go:11 map by main.main` + "\n"},
	}
	for _, tt := range tests {
		if got := summary(Parse(read(t, tt.file))); got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.file, got, tt.want)
		}
	}

	r := Parse(read(t, "crash-writes.txt"))
	if len(r) != 1 || r[0].Message != "concurrent map writes" || len(r[0].Accesses) != 6 {
		t.Fatalf("crash-writes.txt: got %s", summary(r))
	}
	if g := r[0].Accesses[1]; g.State != "sync.WaitGroup.Wait" || g.Goroutine != 1 {
		t.Errorf("crash-writes.txt: second goroutine is %d [%s]", g.Goroutine, g.State)
	}
	if f, _ := r[0].Accesses[2].User(); f.Func != "main.(*registry).add" || f.Line != 11 {
		t.Errorf("crash-writes.txt: goroutine 7 is in %v", f)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestParseJSON: the same reports come out of go test -json, attributed to a test.
func TestParseJSON(t *testing.T) {
	reports := Parse(read(t, "race.json"))
	if len(reports) != 3 {
		t.Fatalf("got %d reports, want 3:\n%s", len(reports), summary(reports))
	}
	for _, r := range reports {
		if r.Test != "TestHub/x" || len(r.Accesses) != 2 {
			t.Errorf("report of %q with %d accesses", r.Test, len(r.Accesses))
		}
	}
}

// TestParseMangled: what logs go through on the way to a bug report changes nothing.
func TestParseMangled(t *testing.T) {
	each := func(log []byte, f func(n int, line string) string) []byte {
		var b strings.Builder
		n := 0
		for line := range strings.Lines(string(log)) {
			b.WriteString(f(n, line))
			n++
		}
		return []byte(b.String())
	}
	mangle := map[string]func(n int, line string) string{
		"indented":      func(_ int, l string) string { return "        " + l },
		"tabs":          func(_ int, l string) string { return "\t\t" + l },
		"CRLF":          func(_ int, l string) string { return strings.TrimSuffix(l, "\n") + "\r\n" },
		"time stamps":   func(n int, l string) string { return fmt.Sprintf("2026-03-01T10:00:%02d.1234567Z %s", n%60, l) },
		"log stamps":    func(n int, l string) string { return fmt.Sprintf("2026/03/01 10:00:%02d %s", n%60, l) },
		"service":       func(_ int, l string) string { return "api-7f9c  | " + l },
		"service, trim": func(_ int, l string) string { return strings.TrimRight("api-7f9c | "+l, " \n") + "\n" },
		"noise between": func(n int, l string) string {
			if n%3 == 0 && !strings.HasSuffix(l, ")\n") && !strings.HasPrefix(l, "created by") { // never inside a frame
				return l + "level=info msg=\"still (here)\"\n"
			}
			return l
		},
		"quoted": func(_ int, l string) string { return "> " + l },
	}
	for _, file := range []string{"race.txt", "crash-writes.txt", "crash-read-write.txt", "crash-iteration.txt"} {
		log := read(t, file)
		want := summary(Parse(log))
		for name, f := range mangle {
			if got := summary(Parse(each(log, f))); got != want {
				t.Errorf("%s, %s:\ngot\n%swant\n%s", file, name, got, want)
			}
		}
	}
}

// TestParseSnippets: forms that the files above do not show.
func TestParseSnippets(t *testing.T) {
	tests := []struct{ name, log, want string }{
		{"empty", "", ""},
		{"no report", "ok  \texample.com/p\t0.1s\n", ""},
		{"main goroutine, global, restored stack", `
WARNING: DATA RACE
Write at 0x000000c2 by main goroutine:
  [failed to restore the stack]

Previous atomic read at 0x000000c2 by goroutine 7:
  main.poll()
      C:/src/app/poll.go:9 +0x1d

Location is global 'main.cache' of size 8 at 0x0000006 (app.exe+0x0001)

Goroutine 7 (running) created at:
  main.main()
      C:/src/app/main.go:4 +0x2
==================
`, "race | write g0 | atomic read g7 main.poll poll.go:9 by main.main\n"},
		{"cut short, then another", `
WARNING: DATA RACE
Write at 0x00c0000 by goroutine 8:
  runtime.mapassign_fast64()
      /usr/lib/go/src/runtime/map_fast64.go:113 +0x0
  p.put()
      /w/p/a.go:3 +0x4
WARNING: DATA RACE
Read at 0x00c0000 by goroutine 9:
  p.(*Set[go.shape.struct { A int; B func(int) }]).Has()
      /w/p/b.go:5 +0x4
`, "race | write g8 p.put a.go:3 map\nrace | read g9 p.(*Set[go.shape.struct { A int; B func(int) }]).Has b.go:5\n"},
		{"panic is no report", "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n\t/w/main.go:3 +0x1\n", ""},
		{"crash after a race", `WARNING: DATA RACE
Read at 0x00c0000 by goroutine 9:
  p.has(0x1)
      /w/p/b.go:5 +0x4
fatal error: concurrent map writes

goroutine 5 gp=0xc0001 m=3 mp=0xc00 [running, locked to thread]:
p.put(...)
	/w/p/a.go:3
created by p.run in goroutine 1
	/w/p/a.go:9 +0x44
`, "race | read g9 p.has b.go:5\ncrash \"concurrent map writes\" | write g5 p.put a.go:3 by p.run\n"},
	}
	for _, tt := range tests {
		if got := summary(Parse([]byte(tt.log))); got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestSamePath(t *testing.T) {
	tests := []struct {
		log, program string
		want         bool
	}{
		{"/home/dev/rt/p/hub.go", "/home/dev/rt/p/hub.go", true},
		{"/build/rt/p/hub.go", "p/hub.go", true},
		{"/build/rt/p/hub.go", "/home/dev/rt/p/hub.go", true},
		{"/build/rt/q/hub.go", "/home/dev/rt/p/hub.go", false},
		{"/build/rt/q/hub.go", "p/hub.go", false},
		{"/build/rt/xp/hub.go", "p/hub.go", false},
		{"example.com/rt/p/hub.go", "p/hub.go", true},           // -trimpath
		{"example.com/rt@v1.2.0/p/hub.go", "p/hub.go", true},    // a dependency, -trimpath
		{"/w/vendor/example.com/rt/p/hub.go", "p/hub.go", true}, // vendored
		{`C:\src\rt\p\hub.go`, "p/hub.go", true},
		{"./p/hub.go", "p/hub.go", true},
	}
	for _, tt := range tests {
		if got := SamePath(tt.log, tt.program); got != tt.want {
			t.Errorf("SamePath(%q, %q) = %v", tt.log, tt.program, got)
		}
	}
}

func TestOn(t *testing.T) {
	reports := Parse(read(t, "race.txt"))
	tests := []struct {
		name   string
		places []Place
		want   []bool
	}{
		{"both sides", []Place{{"p/hub.go", 17}, {"p/hub.go", 11}}, []bool{true, true, false}},
		{"one side on a map", []Place{{"p/hub.go", 17}}, []bool{true, false, false}},
		{"inner map", []Place{{"p/hub.go", 18}, {"p/hub.go", 13}}, []bool{false, false, true}},
		{"another file", []Place{{"q/hub.go", 17}, {"q/hub.go", 11}}, []bool{false, false, false}},
		{"callers", []Place{{"p/hub_test.go", 12}, {"p/hub_test.go", 11}}, []bool{false, false, false}},
	}
	for _, tt := range tests {
		for i, want := range tt.want {
			if got := reports[i].On(tt.places); got != want {
				t.Errorf("%s, report %d: On = %v", tt.name, i, got)
			}
		}
	}
	crash := Parse(read(t, "crash-writes.txt"))[0]
	if !crash.On([]Place{{"crash2/main.go", 11}}) || crash.On([]Place{{"crash2/main.go", 28}}) {
		t.Error("a crash is where the goroutine that noticed stands")
	}
}
