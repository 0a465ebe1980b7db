package racetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
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

// usesM is a package whose function use races with itself, as the test that raceOfUse returns
// shows.
const usesM = "package p\n\nvar m = map[int]int{}\n\nfunc use() { m[1]++ }\n"

func raceOfUse() *Test {
	return &Test{
		File: "zz_mapmigrate_m_race_test.go", Name: "TestRaceM", Level: Program, Package: "example.com/app",
		Source: []byte("package p\n\nimport (\n\"sync\"\n\"testing\"\n)\n\nfunc TestRaceM(t *testing.T) {\nvar wg sync.WaitGroup\nfor range 2 { wg.Go(use) }\nwg.Wait()\n}\n"),
		Places: []evidence.Place{{File: "p.go", Line: 5}},
	}
}

// TestBrokenNeighbours: a package whose own tests do not build is tested without them, and the
// outcome says so.
func TestBrokenNeighbours(t *testing.T) {
	needRace(t)
	dir, _ := writeModule(t, map[string]string{
		"p.go":        usesM,
		"old_test.go": "package p\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) { gone() }\n",
		"x_test.go":   "package p_test\n\nimport \"example.com/gone\"\n\nvar _ = gone.X\n",
	})
	race := raceOfUse()
	broken := *race
	broken.Source = []byte(strings.Replace(string(race.Source), "wg.Wait()", "wg.Weight()", 1))
	for _, tt := range []struct {
		test   *Test
		result string
	}{{race, Failed}, {&broken, DidNotBuild}} {
		tests := []*Test{tt.test}
		outs, err := Run(context.Background(), dir, Overlay(dir, nil, tests), tests, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if o := outs[0]; o.Result != tt.result || o.Alone != (tt.result == Failed) {
			t.Errorf("%s, alone %v; want %s: %s\n%s", o.Result, o.Alone, tt.result, o.Detail, o.Output)
		}
	}
}

// TestBrokenByMigration: own tests that build before and not after are the migration's fault.
func TestBrokenByMigration(t *testing.T) {
	needRace(t)
	dir, _ := writeModule(t, map[string]string{
		"p.go":        usesM,
		"own_test.go": "package p\n\nimport \"testing\"\n\nfunc TestOwn(t *testing.T) { delete(m, 1) }\n",
	})
	race := raceOfUse()
	after := map[string][]byte{filepath.Join(dir, "p.go"): []byte("package p\n\nimport \"sync\"\n\nvar m sync.Map\n\nfunc use() { m.Store(1, 1) }\n")}
	vs, err := Verify(context.Background(), dir, nil, after, []Pair{{Test: race, After: race.Source}}, RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if v := vs[0]; v.Before.Result != Failed || v.Before.Alone || v.After.Result != DidNotBuild || !strings.Contains(v.After.Output, "own_test.go") {
		t.Errorf("before %s, after %s: %s", v.Before.Result, v.After.Result, v.After.Output)
	}
}

// TestVariants: a race that the first test does not show is shown by a variant of it.
func TestVariants(t *testing.T) {
	needRace(t)
	_, prog := writeModule(t, map[string]string{"p.go": `package p

import (
	"net/http"
	"sync"
	"time"
)

// Balancer picks a backend; without one it gives up before it counts.
type Balancer struct {
	backends []string
	picks    map[string]int
}

func (b *Balancer) Pick() string {
	if len(b.backends) == 0 {
		return ""
	}
	b.picks[b.backends[0]]++
	return b.backends[0]
}

func (b *Balancer) Serve() {
	for range 4 {
		go b.Pick()
	}
}

// A Record is a map in which the code takes an element for granted.
type Record map[string]any

const (
	start    = "start"
	duration = "duration"
)

type Entry struct{ core Record }

func (e *Entry) Done() {
	e.core["last"] = e.core[start].(time.Time).Add(time.Second)
	e.core[duration] = time.Since(e.core[start].(time.Time))
}

func (e *Entry) Serve() {
	for range 4 {
		go e.Done()
	}
}

// Recent notes jobs of one type that have an ID.
type Job struct {
	ID   string
	Type int
}

type Recent struct{ jobs map[string]int }

func (r *Recent) Add(j *Job) {
	if j.ID == "" || j.Type != 1 {
		return
	}
	r.jobs[j.ID]++
}

func (r *Recent) Run(list []*Job) {
	for _, j := range list {
		go r.Add(j)
	}
}

// Plan is parsed after it is noted.
type Plans struct{ seen map[string]bool }

func (p *Plans) Note(plan string) int {
	p.seen[plan] = true
	return int(plan[3] - '0')
}

func (p *Plans) All(plans []string) {
	for _, s := range plans {
		go p.Note(s)
	}
}

// Report takes the lock before and after it looks at the map, and Drop around.
type Status struct {
	mu    sync.Mutex
	up    map[string]bool
	polls int
}

func (s *Status) Report() int {
	s.poll()
	n := len(s.up)
	s.poll()
	return n
}

func (s *Status) poll() {
	s.mu.Lock()
	s.polls++
	s.mu.Unlock()
}

func (s *Status) Drop(k string) {
	s.mu.Lock()
	delete(s.up, k)
	s.mu.Unlock()
}

func (s *Status) Watch(keys []string) {
	go s.Report()
	for _, k := range keys {
		go s.Drop(k)
	}
}

// Sticky leads a client back to the backend that its cookie names: one that was added, by a
// cookie that was configured.
type StickyConfig struct{ Cookie *CookieConfig }

type CookieConfig struct{ Name string }

type Sticky struct {
	cookie   string
	mu       sync.RWMutex
	backends []backend
	healthy  map[string]bool
}

type backend struct {
	http.Handler
	name string
}

func NewSticky(config *StickyConfig) *Sticky {
	s := &Sticky{healthy: map[string]bool{}}
	if config != nil && config.Cookie != nil {
		s.cookie = config.Cookie.Name
	}
	return s
}

func (s *Sticky) AddBackend(name string, h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backends = append(s.backends, backend{h, name})
	s.healthy[name] = true
}

func (s *Sticky) SetHealthy(name string, well bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.healthy[name] = well
}

func (s *Sticky) find(name string) http.Handler {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range s.backends {
		if b.name == name {
			return b
		}
	}
	return nil
}

func (s *Sticky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.cookie == "" {
		return
	}
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return
	}
	if b := s.find(c.Value); b != nil && s.healthy[c.Value] {
		b.ServeHTTP(w, r)
	}
}

// Leases looks at all for an operation on a range, which an option makes it.
type Op struct {
	key, end string
	limit    int
}

type Option func(*Op)

func NewOp() Op { return Op{} }

func OpGet(key string, opts ...Option) Op {
	op := Op{key: key}
	for _, o := range opts {
		o(&op)
	}
	return op
}

func WithLimit(n int) Option { return func(op *Op) { op.limit = n } }

func WithRange(end string) Option { return func(op *Op) { op.end = end } }

type Leases struct {
	mu   sync.Mutex
	keys map[string]int
}

func (l *Leases) Add(k string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys[k] = 1
}

func (l *Leases) Lock(ops []Op) (n int) {
	for _, op := range ops {
		if op.end == "" {
			continue
		}
		for k := range l.keys {
			if k >= op.key && k < op.end {
				n++
			}
		}
	}
	return n
}

func (l *Leases) Serve(ops []Op) {
	for range 2 {
		go l.Add("a")
		go l.Lock(ops)
	}
}

// Versions takes over a table that is newer than its own.
type Table struct {
	Version string
	Rows    map[string]string
}

type Versions struct {
	mu   sync.RWMutex
	have string
	rows map[string]string
}

func NewVersions(first string) *Versions { return &Versions{have: first, rows: map[string]string{}} }

func (v *Versions) update(t *Table) {
	if t == nil || t.Version == "" || t.Version == v.have {
		return
	}
	for k, row := range t.Rows {
		v.rows[k] = row
	}
	v.mu.Lock()
	v.have = t.Version
	v.mu.Unlock()
}

func (v *Versions) Row(k string) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.rows[k]
}

func (v *Versions) Watch(tables chan *Table) {
	go func() { v.Row("a") }()
	for t := range tables {
		go v.update(t)
	}
}

// Consumer is given what it works with by who made it, and started.
type Logger interface{ Debugf(format string, args ...any) }

type Message interface{ ID() int }

type Acc interface {
	With(n int) Acc
	Add(m Message) int
}

type Consumer struct {
	Log  Logger
	acc  Acc
	sent map[int]bool
}

func NewConsumer() *Consumer { return &Consumer{} }

func (c *Consumer) Start(acc Acc) {
	c.acc = acc.With(10)
	c.Log.Debugf("started")
	c.sent = map[int]bool{}
}

func (c *Consumer) receive(m Message) {
	if c.acc == nil {
		return
	}
	c.sent[c.acc.Add(m)] = true
}

func (c *Consumer) Run(list []Message) {
	for _, m := range list {
		go c.receive(m)
	}
}
`})
	found, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{ // in the source of the test that shows the race
		"p.Balancer.picks": "backends:",
		"p.Plans.seen":     "recover()",
		"p.Recent.jobs":    "Type:",
		"p.Consumer.sent":  "consumer.Log = nopLogger{}",
		"p.Leases.keys":    `OpGet("a", WithRange("a"))`,
		"p.Versions.rows":  `Version: "b"`,
		"p.Entry.core":     "start: time.Now()",
		"p.Sticky.healthy": "sticky.AddBackend(\"a\", http.NotFoundHandler()) // so",
	}
	var maps []*detect.Map
	for _, m := range found.Maps {
		if want[m.Name] != "" {
			maps = append(maps, m)
		}
	}
	rs, err := New(prog, Options{}).Reproduce(context.Background(), maps, nil, 13, RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Test == nil {
			t.Errorf("%s: no test: %v", r.Map.Name, r.Err)
			continue
		}
		if r.Outcome.Result != Failed || r.Tried < 2 || !strings.Contains(string(r.Test.Source), want[r.Map.Name]) {
			t.Errorf("%s: %s at try %d, want a race by a test with %s: %s\n%s", r.Map.Name, r.Outcome.Result, r.Tried, want[r.Map.Name], r.Outcome.Detail, r.Test.Source)
		}
	}
	if len(rs) != len(want) {
		t.Errorf("%d of %d maps have a finding", len(rs), len(want))
	}
	// That a schedule comes between two critical sections cannot be forced: it is tried.
	for _, m := range found.Maps {
		if m.Name != "p.Status.up" {
			continue
		}
		tests, err := New(prog, Options{}).Alternatives(m, 6)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(tests, func(rt *Test) bool { return rt.Form == Stress }) {
			t.Errorf("%s: none of the first %d tests is a stress test", m.Name, len(tests))
		}
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
	"runtime"
	"runtime/debug"
	"strings"
	"unsafe"
)

func pure(s string) string         { return strings.ToUpper(fmt.Sprint(s, os.Getenv("HOME"))) }
func prints()                      { log.Printf("x"); fmt.Fprintln(os.Stderr) }
func looks(s string) []byte        { return unsafe.Slice(unsafe.StringData(s), len(s)) }
func respond(w http.ResponseWriter) { http.Error(w, "no", 500); _ = net.ParseIP("::1") }
func asks() int64                  { return int64(runtime.GOMAXPROCS(0)) + debug.SetMemoryLimit(-1) }
func sets(n int)                   { runtime.GOMAXPROCS(n) }
func limits()                      { debug.SetMemoryLimit(1 << 30) }
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
		"pure": "", "prints": "", "looks": "", "respond": "", "viaInterface": "", "makesMem": "", "reads": "", "asks": "", "sets": "GOMAXPROCS", "limits": "SetMemoryLimit",
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

// A crash can come in the middle of a race report: what is left of that says nothing about
// where, so the crash alone counts.
func TestJudgeCutReport(t *testing.T) {
	const cut = `==================
WARNING: DATA RACE
Read at 0x00c000108000 by goroutine 11:
  runtime.mapaccess1_faststr()
      /go/src/internal/runtime/maps/runtime_faststr.go:101 +0x0
`
	const crash = `fatal error: concurrent map writes

goroutine 6 [running]:
internal/runtime/maps.fatal({0x64d06e?, 0x0?})
	/go/src/runtime/panic.go:1181 +0x18
example.com/p.(*Hosts).seen(...)
	/p/hosts.go:22
`
	const other = `==================
WARNING: DATA RACE
Read at 0x00c000108000 by goroutine 11:
  example.com/p.(*Hosts).seen()
      /p/hosts.go:19 +0x7d

Previous write at 0x00c000108000 by goroutine 13:
  example.com/p.(*Hosts).Poll()
      /p/hosts.go:27 +0xaf
==================
`
	test := &Test{Level: Program, Places: []evidence.Place{{File: "/p/hosts.go", Line: 22}}}
	for _, tt := range []struct {
		name, log, result, vague string
		elsewhere                int
	}{
		{"cut, then a crash", cut + crash, Failed, "data race", 0},
		{"cut alone", cut, "", "data race", 0},
		{"elsewhere, then a crash", other + crash, Failed, "", 1},
		{"elsewhere", other, "", "", 1},
	} {
		result, _, elsewhere, vague := test.judge(evidence.Parse([]byte(tt.log)), RunOptions{})
		if result != tt.result || vague != tt.vague || len(elsewhere) != tt.elsewhere {
			t.Errorf("%s: result %q, vague %q, elsewhere %q", tt.name, result, vague, elsewhere)
		}
	}
}
