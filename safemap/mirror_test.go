package safemap_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mapmigrate/mapmigrate/safemap"
	"pgregory.net/rapid"
)

// silent is a logger of mirrors that should have nothing to say: it fails the test.
func silent(fail func(format string, args ...any)) *slog.Logger {
	return slog.New(failing{fail})
}

type failing struct{ fail func(string, ...any) }

func (failing) Enabled(context.Context, slog.Level) bool { return true }
func (h failing) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	h.fail("the mirror reports: %s", text)
	return nil
}
func (h failing) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h failing) WithGroup(string) slog.Handler      { return h }

// crash is a fail for where there is no test at hand.
func crash(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// candidates are empty maps of every kind.
func candidates[K comparable, V any]() []safemap.MapProvider[K, V] {
	return []safemap.MapProvider[K, V]{safemap.NewSharded[K, V](), safemap.NewLocked[K, V](), safemap.NewSyncMap[K, V](),
		safemap.NewHandle[K, V]()}
}

// mirrorOf mirrors a Sharded onto one of the candidates.
func mirrorOf[K comparable, V any](candidate int, share float64) *safemap.Mirror[K, V] {
	return safemap.NewMirror(safemap.NewProvider[K, V](), candidates[K, V]()[candidate],
		safemap.MirrorOptions{Share: share, Logger: silent(crash)})
}

func mirrorSubjects() []subject {
	var null *safemap.Mirror[any, []int]
	all := []subject{
		{name: "nil", make: func() provider { return null }, nil: true},
		{name: "zero", make: func() provider { return new(safemap.Mirror[any, []int]) }, zero: true},
	}
	for i, candidate := range []string{"Sharded", "Locked", "SyncMap", "Handle"} {
		for _, share := range []float64{0, 50, 100} {
			all = append(all, subject{name: fmt.Sprint(candidate, "/", share), make: func() provider {
				return mirrorOf[any, []int](i, share)
			}})
		}
	}
	return all
}

// TestMirrorModel compares mirrors with a plain map, operation by operation, while the share goes up
// and down, and in the end the candidate is adopted.
func TestMirrorModel(t *testing.T) {
	for _, s := range mirrorSubjects() {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := newMachine(s, t.Fatalf)
				mirror := m.got.(*safemap.Mirror[any, []int])
				steps := func() {
					for range rapid.IntRange(1, 20).Draw(t, "steps") {
						op := rapid.IntRange(0, len(ops)-1).Draw(t, "op")
						m.step(op, rapid.IntRange(0, len(keys)-1).Draw(t, "key"), rapid.IntRange(0, 59).Draw(t, "n"))
					}
				}
				steps()
				for range rapid.IntRange(0, 3).Draw(t, "turns") {
					mirror.SetShare(float64(rapid.SampledFrom([]int{0, 1, 50, 99, 100}).Draw(t, "share")))
					m.check("SetShare")
					steps()
				}
				if got := mirror.Adopt(); got == (s.nil || s.zero) {
					t.Fatalf("Adopt returns %t", got)
				}
				m.check("Adopt")
				steps()
			})
		})
	}
}

// TestMirrorLinearizable records histories at several shares, and while the share changes and the
// candidate is adopted.
func TestMirrorLinearizable(t *testing.T) {
	for i, candidate := range []string{"Sharded", "Locked", "SyncMap"} {
		for _, share := range []float64{0, 50, 100, -1} {
			t.Run(fmt.Sprint(candidate, "/", share), func(t *testing.T) {
				for range rounds {
					m := mirrorOf[int, int](i, max(share, 0))
					model := contentModel
					model.Partition = partition(func(r request) int { return r.key })
					var last, n atomic.Int64
					done := make(chan bool)
					go func() {
						defer close(done)
						for j := 0; share < 0 && j < 6; j++ {
							runtime.Gosched()
							m.SetShare([]float64{50, 100, 20, 0, 70, 100}[j])
						}
						if share < 0 {
							m.Adopt()
						}
					}()
					history := record(4, 40, func(rng *rand.Rand) request {
						return request{op: oneKeyOps[rng.IntN(len(oneKeyOps))], key: rng.IntN(3), arg: int(n.Add(1)), old: int(last.Load())}
					}, func(r request) string {
						if r.op == "Load" {
							v, ok := m.Load(r.key)
							last.Store(int64(v))
							return show2(v, ok)
						}
						return serve(m, r)
					})
					<-done
					linearizable(t, model, history)
					if s := m.Status(); s.Differences != 0 || s.Adopted != (share < 0) {
						t.Fatalf("%+v", s)
					}
				}
			})
		}
	}
}

// TestMirrorInUse raises and lowers the share, loops and takes snapshots while goroutines count: all
// counts are right on both sides, and nothing is reported.
func TestMirrorInUse(t *testing.T) {
	const workers, each, keys = 4, 2000, 50
	for i, candidate := range candidates[int, int]() {
		m := safemap.NewMirror(safemap.NewProvider[int, int](), candidate, safemap.MirrorOptions{Logger: silent(t.Errorf)})
		var wg sync.WaitGroup
		for w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range each {
					m.Update(n%keys, func(old int) int { return old + 1 })
					m.Store(1000+w, n)
					if n%3 == 0 {
						m.Delete(1000 + w)
					}
				}
			}()
		}
		done := make(chan bool)
		go func() { wg.Wait(); close(done) }()
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		for open := true; open; {
			select {
			case <-done:
				open = false
			default:
			}
			m.SetShare(float64(rng.IntN(101)))
			for k := range m.Keys() {
				if k < 0 {
					t.Error("a key that nobody stored")
				}
			}
			_, _ = m.Len(), m.Snapshot()
		}
		m.SetShare(100)
		if got, want := fmt.Sprint(candidate), fmt.Sprint(m); got != want || m.Len() != candidate.Len() {
			t.Errorf("the candidate has %s, want %s", got, want)
		}
		for k := range keys {
			if got := m.Get(k); got != workers*each/keys {
				t.Errorf("%d counts to %d, want %d", k, got, workers*each/keys)
			}
		}
		m.SetShare(0)
		if candidate.Len() != 0 {
			t.Errorf("after a share of 0 the candidate has %v", candidate)
		}
		if s := m.Status(); s != (safemap.MirrorStatus{Mirroring: true}) {
			t.Errorf("%+v", s)
		}
	}
}

// TestMirrorLen counts while keys come and go: what happens between the counts of the two sides is no
// difference.
func TestMirrorLen(t *testing.T) {
	m := safemap.NewMirror(safemap.NewProvider[int, int](), safemap.NewProvider[int, int](), safemap.MirrorOptions{Share: 100, Logger: silent(t.Errorf)})
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range 5000 {
				m.Store(n%20*2+w, n)
				m.Delete((n*7%20)*2 + w)
			}
		}()
	}
	done := make(chan bool)
	go func() { wg.Wait(); close(done) }()
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		if n := m.Len(); n < 0 || n > 40 {
			t.Errorf("Len is %d", n)
		}
		runtime.Gosched()
	}
}

// TestMirrorShare checks that a share takes about so many of the keys, always the same ones, and that
// a larger one takes those and more.
func TestMirrorShare(t *testing.T) {
	candidate := safemap.NewLocked[int, int]()
	m := safemap.NewMirror(safemap.NewProvider[int, int](), safemap.MapProvider[int, int](candidate), safemap.MirrorOptions{Logger: silent(t.Errorf)})
	for k := range 10_000 {
		m.Store(k, k)
	}
	before := map[int]int{}
	for _, share := range []float64{0, 1, 10, 50, 100} {
		if !m.SetShare(share) || m.Status().Share < share-0.001 || m.Status().Share > share {
			t.Fatalf("a share of %v is %+v", share, m.Status())
		}
		now := candidate.Snapshot()
		if n := float64(len(now)); math.Abs(n-100*share) > 4*math.Sqrt(100*share) {
			t.Errorf("a share of %v %% takes %v of 10000 keys", share, n)
		}
		for k := range before {
			if _, ok := now[k]; !ok {
				t.Fatalf("a share of %v %% leaves out %d, which a smaller one had", share, k)
			}
		}
		for k := range 10_000 { // stored again, all go where they were
			m.Store(k, k+1)
		}
		if candidate.Len() != len(now) {
			t.Errorf("at %v %% stores make %d keys of %d", share, candidate.Len(), len(now))
		}
		before = now
	}
}

// faulty is a provider with mistakes.
type faulty struct {
	safemap.MapProvider[string, int]
	load     func(key string, v int, ok bool) (int, bool)
	snapshot func(map[string]int) map[string]int
	len      int
	lose     string // a key whose stores are lost
	boom     string // a key whose stores panic
}

func (f *faulty) Load(key string) (int, bool) {
	v, ok := f.MapProvider.Load(key)
	if f.load != nil {
		return f.load(key, v, ok)
	}
	return v, ok
}

func (f *faulty) Store(key string, value int) {
	if key == f.boom && key != "" {
		panic("out of order")
	}
	if key != f.lose || key == "" {
		f.MapProvider.Store(key, value)
	}
}

func (f *faulty) Snapshot() map[string]int {
	all := f.MapProvider.Snapshot()
	if f.snapshot != nil {
		all = f.snapshot(all)
	}
	return all
}

func (f *faulty) Len() int { return f.MapProvider.Len() + f.len }

// logged is the records of a mirror, as JSON gives them.
func logged(t *testing.T, log *bytes.Buffer) (records []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		r := map[string]any{}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func mirrorWithLog(candidate safemap.MapProvider[string, int], tolerate int) (*safemap.Mirror[string, int], *bytes.Buffer) {
	log := new(bytes.Buffer)
	return safemap.NewMirror(safemap.NewProvider[string, int](), candidate, safemap.MirrorOptions{
		Name: "sessions", Service: "shop", Share: 100, Tolerate: tolerate,
		Logger: slog.New(slog.NewJSONHandler(log, nil)), TraceID: func() string { return "trace-1" },
	}), log
}

// TestFaultyCandidate is the life of a bad candidate: it is caught, logged once per key, repaired, and
// abandoned at last; the answers are right all the time.
func TestFaultyCandidate(t *testing.T) {
	bad := &faulty{MapProvider: safemap.NewLocked[string, int]()}
	m, log := mirrorWithLog(bad, 3)
	m.Store("ann", 1)
	m.Store("bob", 2)
	if log.Len() != 0 {
		t.Fatalf("nothing is wrong, but: %s", log)
	}
	// Caught: someone spoils a value behind the mirror's back.
	begin := time.Now().UnixMilli()
	bad.MapProvider.Store("ann", 99)
	if got := m.Get("ann"); got != 1 {
		t.Errorf("Get gives the candidate's %d", got)
	}
	records := logged(t, log)
	if len(records) != 1 {
		t.Fatalf("%d records: %s", len(records), log)
	}
	sum := sha256.Sum256([]byte("ann"))
	r := records[0]
	for name, want := range map[string]any{"msg": "mirror: outputs differ", "level": "ERROR", "trace_id": "trace-1",
		"service": "shop", "map": "sessions", "operation": "Get", "key_hash": hex.EncodeToString(sum[:])} {
		if r[name] != want {
			t.Errorf("%s is %v, want %v", name, r[name], want)
		}
	}
	if a, b := r["output_hash"].(string), r["mirror_output_hash"].(string); len(a) != 64 || len(b) != 64 || a == b {
		t.Errorf("output hashes %s and %s", a, b)
	}
	if at := int64(r["timestamp_ms"].(float64)); at < begin || at > time.Now().UnixMilli() {
		t.Errorf("timestamp_ms is %d", at)
	}
	// Repaired.
	if got := bad.Get("ann"); got != 1 {
		t.Errorf("the candidate still has %d", got)
	}
	// Once per key: the same key again is counted, not logged; another one is logged.
	bad.MapProvider.Delete("ann")
	m.Update("ann", func(old int) int { return old + 1 })
	if got := bad.Get("ann"); got != 2 || m.Get("ann") != 2 {
		t.Errorf("after Update the candidate has %d", got)
	}
	bad.MapProvider.Store("bob", 77)
	if v, ok := m.LoadAndDelete("bob"); v != 2 || !ok {
		t.Errorf("LoadAndDelete gives %d, %t", v, ok)
	}
	if records = logged(t, log); len(records) != 2 || records[1]["operation"] != "LoadAndDelete" || records[0]["key_hash"] == records[1]["key_hash"] {
		t.Fatalf("after a second key: %s", log)
	}
	if s := m.Status(); s != (safemap.MirrorStatus{Share: 100, Differences: 3, Mirroring: true}) {
		t.Errorf("%+v", s)
	}
	// Abandoned at the fourth difference.
	bad.MapProvider.Store("new", 5)
	if v, loaded := m.LoadOrStore("new", 6); v != 6 || loaded {
		t.Errorf("LoadOrStore gives %d, %t", v, loaded)
	}
	if records = logged(t, log); len(records) != 4 || records[3]["msg"] != "mirror: candidate abandoned" || records[3]["differences"] != 4.0 {
		t.Fatalf("at the end: %s", log)
	}
	if s := m.Status(); s != (safemap.MirrorStatus{Differences: 4}) {
		t.Errorf("%+v", s)
	}
	m.Store("later", 1)
	if _, ok := bad.MapProvider.Load("later"); ok || m.SetShare(100) || m.Adopt() {
		t.Error("an abandoned candidate is used")
	}
	if got := m.String(); got != "map[ann:2 later:1 new:6]" {
		t.Errorf("in the end there is %s", got)
	}
	if len(logged(t, log)) != 4 {
		t.Errorf("something is logged after the end: %s", log)
	}
}

// TestFaults has every operation meet a candidate that is wrong about it.
func TestFaults(t *testing.T) {
	add := func(old int) int { return old + 1 }
	for name, test := range map[string]struct {
		bad  faulty
		use  func(m *safemap.Mirror[string, int])
		spil bool // the candidate loses "a" behind the mirror's back
		op   string
	}{
		"Load":          {spil: true, use: func(m *safemap.Mirror[string, int]) { m.Load("a") }},
		"Get":           {spil: true, use: func(m *safemap.Mirror[string, int]) { m.Get("a") }},
		"LoadOrStore":   {spil: true, use: func(m *safemap.Mirror[string, int]) { m.LoadOrStore("a", 5) }},
		"LoadOrCompute": {spil: true, use: func(m *safemap.Mirror[string, int]) { m.LoadOrCompute("a", func() int { return 5 }) }},
		"LoadAndDelete": {spil: true, use: func(m *safemap.Mirror[string, int]) { m.LoadAndDelete("a") }},
		"Swap":          {spil: true, use: func(m *safemap.Mirror[string, int]) { m.Swap("a", 5) }},
		"Update":        {spil: true, use: func(m *safemap.Mirror[string, int]) { m.Update("a", add) }},
		"Compute": {spil: true, use: func(m *safemap.Mirror[string, int]) {
			m.Compute("a", func(int, bool) (int, safemap.Op) { return 5, safemap.Put })
		}},
		"Snapshot": {spil: true, use: func(m *safemap.Mirror[string, int]) { m.Snapshot() }},
		"All": {spil: true, use: func(m *safemap.Mirror[string, int]) {
			for range m.All() {
				break
			}
		}},
		"Len": {bad: faulty{len: 1}, use: func(m *safemap.Mirror[string, int]) { m.Len() }},
		"lost store": {bad: faulty{lose: "b"}, op: "Load", use: func(m *safemap.Mirror[string, int]) {
			m.Store("b", 5)
			m.Load("b")
		}},
		"Snapshot adds": {op: "Snapshot", use: func(m *safemap.Mirror[string, int]) { m.Snapshot() },
			bad: faulty{snapshot: func(all map[string]int) map[string]int { all["x"] = 1; return all }}},
		"Snapshot changes": {op: "Snapshot", use: func(m *safemap.Mirror[string, int]) { _ = m.String() },
			bad: faulty{snapshot: func(all map[string]int) map[string]int { all["a"]++; return all }}},
		"panic": {bad: faulty{boom: "b"}, op: "Store", use: func(m *safemap.Mirror[string, int]) { m.Store("b", 1) }},
		"panic in Snapshot": {bad: faulty{snapshot: func(map[string]int) map[string]int { panic("boom") }}, op: "Snapshot",
			use: func(m *safemap.Mirror[string, int]) { m.Snapshot() }},
	} {
		t.Run(name, func(t *testing.T) {
			test.bad.MapProvider = safemap.NewSharded[string, int]()
			m, log := mirrorWithLog(&test.bad, 0)
			m.Store("a", 1)
			if test.spil {
				test.bad.MapProvider.Delete("a")
			}
			if s := m.Status(); !s.Mirroring || s.Differences != 0 {
				t.Fatalf("before it is used: %+v", s)
			}
			test.use(m)
			records := logged(t, log)
			if test.op == "" {
				test.op = name
			}
			if len(records) != 2 || records[0]["operation"] != test.op || records[1]["msg"] != "mirror: candidate abandoned" {
				t.Errorf("logged: %s", log)
			}
			if s := m.Status(); s.Mirroring || s.Differences != 1 {
				t.Errorf("%+v", s)
			}
			if got, ok := m.Load("a"); name != "LoadAndDelete" && (!ok || got == 0) {
				t.Errorf("the primary has %d, %t", got, ok)
			}
		})
	}
}

// TestCandidateFailsToFill has the candidate panic while keys are copied to it.
func TestCandidateFailsToFill(t *testing.T) {
	bad := &faulty{MapProvider: safemap.NewLocked[string, int](), boom: "b"}
	m, log := mirrorWithLog(bad, 1000)
	m.SetShare(0)
	for _, k := range []string{"a", "b", "c"} {
		m.Store(k, 1)
	}
	if m.SetShare(100) || m.Adopt() {
		t.Error("the share is raised all the same")
	}
	records := logged(t, log)
	if len(records) != 2 || records[0]["mirror_panic"] != "out of order" {
		t.Errorf("logged: %s", log)
	}
	finishes(t, "the map", func() {
		for _, k := range []string{"a", "b", "c"} {
			m.Store(k, 2)
		}
	})
	if got := m.String(); got != "map[a:2 b:2 c:2]" {
		t.Errorf("there is %s", got)
	}
}

// TestMirrorLogUsesMap has the log's handler use the mirrored map: records are written with no lock held.
func TestMirrorLogUsesMap(t *testing.T) {
	var m *safemap.Mirror[string, int]
	said := 0
	bad := safemap.NewLocked[string, int]()
	m = safemap.NewMirror(safemap.NewProvider[string, int](), safemap.MapProvider[string, int](bad), safemap.MirrorOptions{
		Share: 100, Tolerate: 10, Logger: silent(func(string, ...any) {
			said++
			m.Update("k", func(old int) int { return old + 1 })
		})})
	m.Store("k", 1)
	bad.Store("k", 9)
	finishes(t, "Load", func() { m.Load("k") })
	if m.Get("k") != 2 || said != 1 {
		t.Errorf("the handler was called %d times and leaves %d", said, m.Get("k"))
	}
}

// TestMirrorAdopt keeps the entries, NaN among them, and goes on in the candidate alone.
func TestMirrorAdopt(t *testing.T) {
	primary, candidate := safemap.NewSharded[float64, int](), safemap.NewLocked[float64, int]()
	m := safemap.NewMirror[float64, int](primary, candidate, safemap.MirrorOptions{Logger: silent(t.Errorf), Share: 30})
	for i := range 10 {
		m.Store(float64(i), i)
	}
	m.Store(math.NaN(), 100)
	m.SetShare(100)
	m.Store(math.NaN(), 101)
	if m.Len() != 12 || candidate.Len() != 10 {
		t.Errorf("%d and %d entries", m.Len(), candidate.Len())
	}
	n := 0
	for k, v := range m.All() {
		if n++; n == 1 {
			if !m.Adopt() || !m.Adopt() {
				t.Fatal("not adopted")
			}
			for i := range 10 {
				m.Update(float64(i), func(old int) int { return old + 1000 })
			}
		} else if k == k && v != int(k)+1000 {
			t.Errorf("after Adopt the loop gives %v for %v", v, k)
		}
	}
	if n != 12 || m.Len() != 12 || candidate.Len() != 12 || primary.Get(1) != 1 || candidate.Get(1) != 1001 {
		t.Errorf("%d seen; %v; %v", n, primary, candidate)
	}
	if s := m.Status(); s != (safemap.MirrorStatus{Adopted: true}) || m.SetShare(10) {
		t.Errorf("%+v", s)
	}
}

// TestMirrorEnvironment reads SAFEMAP_MIRROR.
func TestMirrorEnvironment(t *testing.T) {
	for _, test := range []struct {
		env, name string
		share     float64
		adopted   bool
		warns     bool
	}{
		{"", "sessions", 7, false, false},
		{"sessions=25", "sessions", 25, false, false},
		{"users=1, sessions=100%", "sessions", 100, false, false},
		{"users=1", "sessions", 7, false, false},
		{"*=3,sessions=25", "sessions", 25, false, false},
		{"sessions=25,*=3", "sessions", 25, false, false},
		{"sessions=25,*=3", "users", 3, false, false},
		{"sessions=25,*=3", "", 3, false, false},
		{"sessions=primary", "sessions", 0, false, false},
		{"sessions=candidate", "sessions", 0, true, false},
		{"sessions=101", "sessions", 7, false, true},
		{"sessions=NaN", "sessions", 7, false, true},
		{"sessions=half", "sessions", 7, false, true},
		{"=5", "", 7, false, false},
	} {
		t.Setenv("SAFEMAP_MIRROR", test.env)
		var log bytes.Buffer
		m := safemap.NewMirror(safemap.ProviderOf(map[int]int{1: 1}), safemap.NewProvider[int, int](), safemap.MirrorOptions{
			Name: test.name, Share: 7, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		s := m.Status()
		if math.Abs(s.Share-test.share) > 0.001 || s.Adopted != test.adopted || (log.Len() > 0) != test.warns || m.Get(1) != 1 {
			t.Errorf("%q for %q: %+v, log %q", test.env, test.name, s, log.String())
		}
	}
}

// TestMirrorValues stores values that == cannot compare, or does not find equal to themselves: they
// are the same on both sides. Pointees change meanwhile, unguarded: nobody looks at them.
func TestMirrorValues(t *testing.T) {
	type object struct{ n int }
	p := &object{}
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				p.n++
			}
		}
	}()
	slice := []int{1, 2}
	for i, v := range []any{nil, 1, "a", 1.5, math.NaN(), []int(nil), slice, slice[:1], map[int]int{}, func() {}, p, object{1},
		[1]any{math.NaN()}, struct {
			f func()
			c complex128
			u uint8
			x any
			b bool
		}{f: func() {}, c: complex(math.NaN(), 1), x: p}, make(chan int), error(nil)} {
		m := safemap.NewMirror(safemap.NewProvider[int, any](), safemap.NewProvider[int, any](), safemap.MirrorOptions{Share: 100, Logger: silent(t.Errorf)})
		m.Store(i, v)
		m.Load(i)
		m.Swap(i, v)
		m.Update(i, func(old any) any { return old })
		m.Snapshot()
	}
	floats := safemap.NewMirror(safemap.NewProvider[int, float64](), safemap.NewProvider[int, float64](), safemap.MirrorOptions{Share: 100, Logger: silent(t.Errorf)})
	floats.Store(1, math.NaN())
	floats.Load(1)
	close(stop)
	<-stopped

	// And what looks alike but is not the same is found.
	for _, pair := range [][2]any{{1, 2}, {1, "1"}, {1, int8(1)}, {"a", "b"}, {nil, 0}, {slice, slice[:1]}, {slice, []int{1, 2}},
		{&object{}, &object{}}, {object{1}, object{2}}, {[]int{}, []int(nil)}, {math.NaN(), 1.0}, {true, false},
		{[2]string{"a b", "c"}, [2]string{"a", "b c"}}, {[2]string{`a" "`, ""}, [2]string{`a`, ` "`}}, {complex(1, 2), complex(2, 1)}} {
		candidate := safemap.NewLocked[int, any]()
		m := safemap.NewMirror(safemap.NewProvider[int, any](), safemap.MapProvider[int, any](candidate), safemap.MirrorOptions{Share: 100, Logger: slog.New(slog.DiscardHandler)})
		m.Store(1, pair[0])
		candidate.Store(1, pair[1])
		if m.Load(1); m.Status().Differences != 1 {
			t.Errorf("%v and %v pass for the same", pair[0], pair[1])
		}
	}
}

// TestMirrorCallbacks checks that callbacks run once, on the primary, wherever the key is, and that
// after a panic in one both sides are as before.
func TestMirrorCallbacks(t *testing.T) {
	for _, share := range []float64{0, 100} {
		m := mirrorOf[string, int](1, share)
		calls := 0
		count := func(int) int { calls++; return calls }
		m.Update("a", count)
		m.Compute("a", func(old int, _ bool) (int, safemap.Op) { return count(old), safemap.Put })
		m.LoadOrCompute("b", func() int { return count(0) })
		m.LoadOrCompute("b", func() int { return count(0) })
		if calls != 3 || m.String() != "map[a:2 b:3]" {
			t.Errorf("share %v: %d calls, %v", share, calls, m)
		}
		for name, f := range map[string]func(){
			"Update":        func() { m.Update("a", func(int) int { panic("boom") }) },
			"Compute":       func() { m.Compute("a", func(int, bool) (int, safemap.Op) { panic("boom") }) },
			"LoadOrCompute": func() { m.LoadOrCompute("c", func() int { panic("boom") }) },
		} {
			func() {
				defer func() {
					if p := recover(); p != "boom" {
						t.Errorf("%s panics with %v", name, p)
					}
				}()
				f()
			}()
			finishes(t, name, func() { m.Delete("c"); m.Swap("a", 2) })
		}
		if got := m.String(); got != "map[a:2 b:3]" || !m.Adopt() || m.String() != got {
			t.Errorf("share %v: %s, then %v", share, got, m)
		}
	}
}

// TestMirrorNil is a nil Mirror: a nil map whose share cannot be set.
func TestMirrorNil(t *testing.T) {
	var m *safemap.Mirror[string, int]
	if m.SetShare(50) || m.Adopt() || m.Status() != (safemap.MirrorStatus{}) {
		t.Error("a nil mirror mirrors")
	}
	sameOutput(t, m, map[string]int(nil))
	sameOutput(t, new(safemap.Mirror[string, int]), map[string]int(nil))
	plain := map[string]int{"b": 2, "a": 1}
	full := safemap.NewMirror(safemap.ProviderOf(plain), safemap.NewProvider[string, int](), safemap.MirrorOptions{Share: 100, Logger: silent(t.Errorf)})
	sameOutput(t, full, plain)
	decodes[safemap.Mirror[string, int]](t)
}

// TestMirrorDecode decodes into a mirror: both sides get it.
func TestMirrorDecode(t *testing.T) {
	for _, primary := range []safemap.MapProvider[string, int]{safemap.NewSharded[string, int](), struct {
		safemap.MapProvider[string, int]
	}{safemap.NewProvider[string, int]()}} {
		candidate := safemap.NewLocked[string, int]()
		m := safemap.NewMirror(primary, safemap.MapProvider[string, int](candidate), safemap.MirrorOptions{Share: 100, Logger: silent(t.Errorf)})
		for _, step := range [][2]string{{`{"a":1}`, "map[a:1]"}, {`{"b":2,"a":3}`, "map[a:3 b:2]"}, {`null`, "map[]"}, {`{}`, "map[]"}} {
			if err := json.Unmarshal([]byte(step[0]), m); err != nil || fmt.Sprint(m) != step[1] || fmt.Sprint(candidate) != step[1] {
				t.Errorf("%s gives %v and %v, %v", step[0], m, candidate, err)
			}
		}
	}
}

// A new implementation is tried on a tenth of the keys, then on all, then adopted.
func ExampleMirror() {
	sessions := safemap.NewMirror[string, int](
		safemap.LockedOf(map[string]int{"ann": 1}), // what is in use
		safemap.NewSharded[string, int](),          // what is to be
		safemap.MirrorOptions{Name: "sessions", Share: 10},
	)
	sessions.Update("ann", func(old int) int { return old + 1 })
	sessions.SetShare(100)
	sessions.Update("ann", func(old int) int { return old + 1 })
	fmt.Println(sessions, sessions.Status().Differences)
	fmt.Println(sessions.Adopt(), sessions)
	// Output:
	// map[ann:3] 0
	// true map[ann:3]
}
