package safemap_test

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mapmigrate/mapmigrate/safemap"
)

// intMaps are fresh maps of all one-level types, zero values among them.
func intMaps() map[string]safemap.MapProvider[int, int] {
	return map[string]safemap.MapProvider[int, int]{
		"Sharded":      safemap.NewSharded[int, int](),
		"Sharded zero": new(safemap.Sharded[int, int]),
		"Fast":         safemap.NewFastSharded[int, int](),
		"Fast zero":    new(safemap.FastSharded[int, int]),
		"SyncMap":      safemap.NewSyncMap[int, int](),
		"SyncMap zero": new(safemap.SyncMap[int, int]),
		"Locked":       safemap.NewLocked[int, int](),
		"Locked zero":  new(safemap.Locked[int, int]),
		"Handle":       safemap.NewHandle[int, int](),
		"Handle zero":  new(safemap.Handle[int, int]),
		"Mirror":       mirrorOf[int, int](1, 0),
		"Mirror 50":    mirrorOf[int, int](1, 50),
		"Mirror 100":   mirrorOf[int, int](2, 100),
		"Mirror zero":  new(safemap.Mirror[int, int]),
	}
}

// TestNilMapPanic compares the panic of storing into a nil map with the language's.
func TestNilMapPanic(t *testing.T) {
	recovered := func(f func()) (r any) {
		defer func() { r = recover() }()
		f()
		return nil
	}
	want := recovered(func() { map[int]int(nil)[0] = 0 })
	for name, m := range map[string]safemap.MapProvider[int, int]{
		"Sharded": (*safemap.Sharded[int, int])(nil), "FastSharded": (*safemap.FastSharded[int, int])(nil), "SyncMap": (*safemap.SyncMap[int, int])(nil),
		"Locked": (*safemap.Locked[int, int])(nil), "Handle": (*safemap.Handle[int, int])(nil),
		"Mirror": (*safemap.Mirror[int, int])(nil),
	} {
		for op, f := range map[string]func(){
			"Store":         func() { m.Store(1, 1) },
			"LoadOrStore":   func() { m.LoadOrStore(1, 1) },
			"LoadOrCompute": func() { m.LoadOrCompute(1, func() int { return 1 }) },
			"Swap":          func() { m.Swap(1, 1) },
			"Update":        func() { m.Update(1, func(int) int { return 1 }) },
			"Compute":       func() { m.Compute(1, func(int, bool) (int, safemap.Op) { return 1, safemap.Put }) },
		} {
			got := recovered(f)
			if _, ok := got.(runtime.Error); !ok || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s of a nil %s panics with %v, want %v", op, name, got, want)
			}
		}
	}
}

// finishes fails the test if f blocks: a lock was left held.
func finishes(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan bool)
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s blocks", what)
	}
}

// TestLocksReleased leaves callbacks by Goexit, and loops by break, return and panic, and uses the
// map afterwards. (TestModel does so after panics in callbacks and for unhashable keys.)
func TestLocksReleased(t *testing.T) {
	for name, m := range intMaps() {
		for i := range 100 {
			m.Store(i, i)
		}
		exits := map[string]func(){
			"Update":        func() { m.Update(1, func(int) int { runtime.Goexit(); return 0 }) },
			"Compute":       func() { m.Compute(1, func(int, bool) (int, safemap.Op) { runtime.Goexit(); return 0, 0 }) },
			"LoadOrCompute": func() { m.LoadOrCompute(-1, func() int { runtime.Goexit(); return 0 }) },
			"All":           func() { m.All()(func(int, int) bool { runtime.Goexit(); return true }) },
			"panic in All": func() {
				defer func() { recover() }()
				for range m.All() {
					panic("boom")
				}
			},
			"break": func() {
				for range m.Keys() {
					break
				}
			},
			"nested loops": func() {
				n := 0
				for k := range m.All() {
					for range m.Values() {
						if n++; n%150 == 0 {
							break
						}
					}
					m.Update(k, func(old int) int { return old })
				}
			},
		}
		for exit, f := range exits {
			var wg sync.WaitGroup
			wg.Add(1)
			go func() { defer wg.Done(); f() }()
			finishes(t, name+": "+exit, wg.Wait)
			finishes(t, name+" after "+exit, func() {
				for i := range 100 {
					m.Update(i, func(old int) int { return old })
				}
			})
			if m.Len() != 100 || m.Get(1) != 1 {
				t.Errorf("%s after %s: %v", name, exit, m)
			}
		}
	}
}

// TestIterationBesideStoring has other goroutines add and delete keys during loops.
func TestIterationBesideStoring(t *testing.T) {
	for name, m := range intMaps() {
		for i := range 100 {
			m.Store(i, i) // these stay
		}
		stop := make(chan bool)
		var wg sync.WaitGroup
		for w := range 2 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					m.Store(1000+w*1000+i%500, i)
					m.Delete(1000 + w*1000 + (i+250)%500)
				}
			}()
		}
		for range 50 {
			seen := map[int]int{}
			for k, v := range m.All() {
				if seen[k]++; k < 100 && v != k {
					t.Errorf("%s yields %d for %d", name, v, k)
				}
				runtime.Gosched()
			}
			for k, n := range seen {
				if n != 1 {
					t.Errorf("%s yields %d %d times", name, k, n)
				}
			}
			for k := range 100 {
				if seen[k] == 0 {
					t.Errorf("%s leaves out %d", name, k)
				}
			}
		}
		close(stop)
		wg.Wait()
	}
}

// TestStress counts with Update, makes every value once with LoadOrCompute, hands values over with
// LoadAndDelete, and starts on zero values: nothing is lost, made twice or taken twice.
func TestStress(t *testing.T) {
	const workers, each = 4, 400
	for name, m := range intMaps() {
		var made, taken atomic.Int64
		var wg sync.WaitGroup
		start := make(chan bool)
		for w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				<-start
				for i := range each {
					m.Update(-1, func(old int) int { return old + 1 })
					m.Compute(-2, func(old int, _ bool) (int, safemap.Op) { return old + 1, safemap.Put })
					for done := false; !done; {
						old, _ := m.LoadOrStore(-3, 0)
						done = safemap.CompareAndSwap(m, -3, old, old+1)
					}
					if _, loaded := m.LoadOrCompute(i, func() int { return w }); !loaded {
						made.Add(1)
					}
					if i >= 50 {
						if _, loaded := m.LoadAndDelete(i - 50); loaded {
							taken.Add(1)
						}
					}
					_, _ = m.Len(), m.Get(i)
				}
			}()
		}
		close(start)
		wg.Wait()
		for k := -3; k < 0; k++ {
			if got := m.Get(k); got != workers*each {
				t.Errorf("%s: key %d counts to %d, want %d", name, k, got, workers*each)
			}
			m.Delete(k)
		}
		if left := int64(m.Len()); made.Load() != taken.Load()+left {
			t.Errorf("%s: %d made, %d taken, %d left", name, made.Load(), taken.Load(), left)
		}
	}
}

// TestFirstStores has several goroutines store into zero values at once: nothing is lost.
func TestFirstStores(t *testing.T) {
	rounds := 4000
	if testing.Short() {
		rounds = 500
	}
	for range rounds {
		for name, m := range map[string]safemap.MapProvider[int, int]{
			"Sharded": new(safemap.Sharded[int, int]), "FastSharded": new(safemap.FastSharded[int, int]),
			"SyncMap": new(safemap.SyncMap[int, int]), "Locked": new(safemap.Locked[int, int]), "Handle": new(safemap.Handle[int, int]),
		} {
			const workers = 4
			var ready, done sync.WaitGroup
			var start atomic.Bool
			for w := range workers {
				ready.Add(1)
				done.Add(1)
				go func() {
					defer done.Done()
					ready.Done()
					for !start.Load() { // closer together than a channel would have it
						runtime.Gosched()
					}
					m.Store(w, w)
				}()
			}
			ready.Wait()
			start.Store(true)
			done.Wait()
			if m.Len() != workers {
				t.Fatalf("%s has %v", name, m)
			}
		}
	}
}

// TestDrainStress hands entries over with Drain while others store: each comes out once.
func TestDrainStress(t *testing.T) {
	type drainer interface {
		safemap.MapProvider[int, int]
		Drain() map[int]int
	}
	for name, m := range map[string]drainer{"Sharded": new(safemap.Sharded[int, int]),
		"FastSharded": new(safemap.FastSharded[int, int]), "Locked": new(safemap.Locked[int, int])} {
		const workers, each = 3, 1000
		var wg sync.WaitGroup
		for w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := range each {
					m.Store(w*each+i, w)
				}
			}()
		}
		done := make(chan bool)
		go func() { wg.Wait(); close(done) }()
		all := map[int]int{}
		take := func() {
			for k, v := range m.Drain() {
				if _, ok := all[k]; ok || v != k/each {
					t.Errorf("%s: Drain gives %d twice, or wrong: %d", name, k, v)
				}
				all[k] = v
			}
		}
		for open := true; open; {
			select {
			case <-done:
				open = false
			default:
			}
			take()
		}
		if take(); len(all) != workers*each {
			t.Errorf("%s: Drain gave %d entries, want %d", name, len(all), workers*each)
		}
	}
}

// TestNestedStress makes rows from several goroutines, counts in them through Nested and Row, and
// deletes empty ones.
func TestNestedStress(t *testing.T) {
	const workers, each = 4, 500
	for name, m := range map[string]*safemap.Nested[string, int, int]{
		"zero": new(safemap.Nested[string, int, int]), "New": safemap.NewNested[string, int, int](),
		"Locked": safemap.NewNestedLocked[string, int, int](),
	} {
		add := func(old int) int { return old + 1 }
		var created atomic.Int64
		var wg sync.WaitGroup
		start := make(chan bool)
		for w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				<-start
				for i := range each {
					m.Update("counts", i%10, add)
					if m.EnsureRow(fmt.Sprint("row", i%20)) {
						created.Add(1)
					}
					r, _ := m.LoadOrCreateRow("handles")
					r.Update(i%10, add)
					m.DoRow("counts", func(row map[int]int) { row[-1]++ })
					m.Store("own", w, i)
					m.Delete("own", w)
					m.DeleteRowIfEmpty("own")
					for _, r := range m.All() {
						_ = r.Len()
						break
					}
				}
			}()
		}
		close(start)
		wg.Wait()
		for _, a := range []string{"counts", "handles"} {
			for b := range 10 {
				if got := m.Get(a, b); got != workers*each/10 {
					t.Errorf("%s: %s/%d = %d, want %d", name, a, b, got, workers*each/10)
				}
			}
		}
		if got := m.Get("counts", -1); got != workers*each {
			t.Errorf("%s: DoRow counts %d, want %d", name, got, workers*each)
		}
		if _, ok := m.LoadRow("own"); ok || created.Load() != 20 || m.Len() != 22 {
			t.Errorf("%s: %d rows made, %d there, own there %t", name, created.Load(), m.Len(), ok)
		}
	}
}

// TestRowAlias is the life of an inner map alias.
func TestRowAlias(t *testing.T) {
	m := safemap.NestedOf(map[string]map[string]int{"a": {"x": 1}, "nil": nil})
	r := m.Row("a")
	m.Store("a", "y", 2)
	r.Store("z", 3)
	if got := fmt.Sprint(m, r); got != "map[a:map[x:1 y:2 z:3] nil:map[]] map[x:1 y:2 z:3]" {
		t.Errorf("attached: %s", got)
	}
	m.DeleteRow("a")
	r.Store("x", 10)
	m.Store("a", "x", 1)
	if got := fmt.Sprint(m, r); got != "map[a:map[x:1] nil:map[]] map[x:10 y:2 z:3]" {
		t.Errorf("detached: %s", got)
	}
	if r, ok := m.LoadRow("nil"); r != nil || !ok {
		t.Errorf("nil row: %v, %t", r, ok)
	}
	if r, ok := m.LoadRow("none"); r != nil || ok {
		t.Errorf("no row: %v, %t", r, ok)
	}
	from := map[string]int{"own": 1}
	n := safemap.NestedOf(map[string]map[string]int{"a": from})
	from["own"] = 2
	if n.Get("a", "own") != 1 {
		t.Error("NestedOf does not copy rows")
	}
}

// TestSwitch exchanges the provider in the middle of a loop.
func TestSwitch(t *testing.T) {
	h := safemap.NewHandle[int, int]()
	for i := range 10 {
		h.Store(i, i)
	}
	n := 0
	for k, v := range h.All() {
		if n++; n == 3 {
			h.Switch(safemap.NewLocked[int, int]())
			for i := range 10 {
				h.Update(i, func(old int) int { return old + 100 })
			}
			h.Delete((k + 1) % 10)
		}
		if want := k; n > 3 && v != want+100 {
			t.Errorf("after Switch %d has %d", k, v)
		}
	}
	if n != 9 && n != 10 || h.Len() != 9 {
		t.Errorf("%d keys seen, %d there", n, h.Len())
	}
}

func TestNaN(t *testing.T) {
	for name, m := range map[string]safemap.MapProvider[float64, int]{
		"Sharded": safemap.NewSharded[float64, int](), "FastSharded": safemap.NewFastSharded[float64, int](), "SyncMap": safemap.NewSyncMap[float64, int](),
		"Locked": safemap.NewLocked[float64, int](), "Handle": safemap.NewHandle[float64, int](),
		"Mirror": mirrorOf[float64, int](1, 50),
	} {
		for i := range 3 {
			m.Store(math.NaN(), i)
		}
		m.Delete(math.NaN())
		values := slices.Sorted(m.Values())
		if _, ok := m.Load(math.NaN()); ok || m.Len() != 3 || !slices.Equal(values, []int{0, 1, 2}) {
			t.Errorf("%s: %v, %v, %t", name, m, values, ok)
		}
		const many = 200 // several in a shard
		for i := range many {
			m.Store(math.NaN(), i)
		}
		nans := 0
		for k := range m.All() { // they come although the map changes
			if k != k {
				nans++
			}
			for i := range 500 { // in every shard
				m.Store(float64(i), i)
			}
		}
		if nans != 3+many {
			t.Errorf("%s: %d NaN keys in a loop that stores, want %d", name, nans, 3+many)
		}
		if m.Clear(); m.Len() != 0 {
			t.Errorf("%s: Clear leaves %v", name, m)
		}
	}
}

// TestOfCopies checks that constructors and snapshots share nothing with the maps they take and give.
func TestOfCopies(t *testing.T) {
	from := map[int]int{1: 1}
	for name, m := range map[string]safemap.MapProvider[int, int]{
		"Sharded": safemap.ShardedOf(from), "FastSharded": safemap.FastShardedOf(from), "SyncMap": safemap.SyncMapOf(from), "Locked": safemap.LockedOf(from),
		"Handle": safemap.HandleOf(from), "Provider": safemap.ProviderOf(from),
	} {
		from[2] = 2
		m.Snapshot()[3] = 3
		if got := m.Snapshot(); !maps.Equal(got, map[int]int{1: 1}) {
			t.Errorf("%s is %v", name, got)
		}
		delete(from, 2)
	}
}

// TestAllocs holds the one-key operations to no allocation where they promise none.
func TestAllocs(t *testing.T) {
	add := func(old int) int { return old + 1 }
	free := func(name string, f func()) {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	m := map[string]safemap.MapProvider[string, int]{
		"Sharded": safemap.NewSharded[string, int](), "FastSharded": safemap.NewFastSharded[string, int](), "Locked": safemap.NewLocked[string, int](), "Handle": safemap.NewHandle[string, int](),
		"Mirror": mirrorOf[string, int](1, 0),
	}
	for name, m := range m {
		m.Store("key", 1)
		free(name+" Load", func() { m.Load("key") })
		free(name+" Store", func() { m.Store("key", 2) })
		free(name+" LoadOrStore", func() { m.LoadOrStore("key", 2) })
		free(name+" Update", func() { m.Update("key", add) })
	}
	s := safemap.NewSyncMap[int, int]()
	s.Store(1, 1)
	free("SyncMap Load", func() { s.Load(1) })
	n := safemap.NewNested[string, string, int]()
	n.Store("a", "b", 1)
	free("Nested Load", func() { n.Load("a", "b") })
	free("Nested Store", func() { n.Store("a", "b", 1) })
	free("Nested Update", func() { n.Update("a", "b", add) })
	r := n.Row("a")
	free("Row Update", func() { r.Update("b", add) })
}

// TestCopy has Copy do what maps.Copy does, to all one-level types, and to a nil map.
func TestCopy(t *testing.T) {
	src := map[int]int{1: 10, 2: 20, 3: 30}
	for name, m := range intMaps() {
		m.Store(2, 2)
		m.Store(4, 4)
		want := m.Snapshot()
		maps.Copy(want, src)
		safemap.Copy(m, src)
		safemap.Copy(m, nil)
		if got := m.Snapshot(); !maps.Equal(got, want) {
			t.Errorf("%s: Copy gives %v, want %v", name, got, want)
		}
	}
	var none *safemap.Sharded[int, int]
	safemap.Copy(none, nil)
	defer func() {
		if recover() == nil {
			t.Error("Copy into a nil map does not panic")
		}
	}()
	safemap.Copy(none, src)
}

// TestNestedKeyReplaced stores a row under a key that equals the one there but is another
// value: the map has the new one then, as a Go map has.
func TestNestedKeyReplaced(t *testing.T) {
	plain := map[float64]map[int]int{0: {1: 1}}
	plain[math.Copysign(0, -1)] = map[int]int{2: 2}
	m := safemap.NewNested[float64, int, int]()
	m.StoreRow(0, map[int]int{1: 1})
	m.StoreRow(math.Copysign(0, -1), map[int]int{2: 2})
	for k := range plain {
		for got := range m.Keys() {
			if math.Signbit(got) != math.Signbit(k) {
				t.Errorf("the key is %v, want %v", got, k)
			}
		}
	}
}

// TestLoopsBegin wants loops to begin with different entries, as those over a Go map do: programs
// spread work by taking the first one.
func TestLoopsBegin(t *testing.T) {
	for name, m := range intMaps() {
		if strings.Contains(name, "SyncMap") {
			continue
		}
		for i := range 4 {
			m.Store(i, i)
		}
		first := map[int]int{}
		for range 1000 {
			for k := range m.All() {
				first[k]++
				break
			}
		}
		if len(first) < 4 {
			t.Errorf("%s: 1000 loops over 4 keys begin with %v only", name, first)
		}
	}
}
