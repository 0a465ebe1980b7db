package safemap_test

import (
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mapmigrate/mapmigrate/safemap"
)

// This file tests what depends on size, on types and on memory: tables that grow, fill with deleted
// keys and shrink, keys and values of all kinds, readers beside all that, and what is let go.

// core is a Sharded, whichever core it has.
type core[K comparable, V any] interface {
	safemap.MapProvider[K, V]
	Drain() map[K]V
	ReplaceAll(map[K]V)
}

func eachCore[K comparable, V any](t *testing.T, test func(t *testing.T, make func(hint ...int) core[K, V])) {
	t.Run("plain", func(t *testing.T) {
		test(t, func(hint ...int) core[K, V] { return safemap.NewSharded[K, V](hint...) })
	})
	t.Run("fast", func(t *testing.T) {
		test(t, func(hint ...int) core[K, V] { return safemap.NewFastSharded[K, V](hint...) })
	})
}

// large runs random operations on up to n keys, in waves of growth and decline, beside a plain map.
func large[K comparable, V any](t *testing.T, n int, key func(int) K, value func(int) V, same func(a, b V) bool) {
	t.Helper()
	eachCore(t, func(t *testing.T, make func(hint ...int) core[K, V]) {
		m, want := make(n/10), map[K]V{}
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		check := func() {
			got := m.Snapshot()
			if len(got) != len(want) || m.Len() != len(want) {
				t.Fatalf("%d entries, Len %d, want %d", len(got), m.Len(), len(want))
			}
			for k, v := range want {
				if g, ok := m.Load(k); !ok || !same(g, v) {
					t.Fatalf("Load(%v) = %v, %t, want %v", k, g, ok, v)
				}
			}
			seen := 0
			for k, v := range m.All() {
				if w, ok := want[k]; !ok || !same(v, w) {
					t.Fatalf("All yields %v, %v, want %v, %t", k, v, w, ok)
				}
				seen++
			}
			if seen != len(want) {
				t.Fatalf("All yields %d entries, want %d", seen, len(want))
			}
		}
		for i := range 12 * n {
			k, v := key(rng.IntN(n)), value(i)
			old, there := want[k]
			result := func(op string, got V, ok bool, wantV V, wantOK bool) {
				if ok != wantOK || !same(got, wantV) {
					t.Fatalf("step %d: %s(%v) = %v, %t, want %v, %t", i, op, k, got, ok, wantV, wantOK)
				}
			}
			declining := i/n%3 == 2 && rng.IntN(8) > 0
			switch op := rng.IntN(6); {
			case declining && op < 5:
				got, ok := m.LoadAndDelete(k)
				result("LoadAndDelete", got, ok, old, there)
				delete(want, k)
			case op == 0:
				m.Delete(k)
				delete(want, k)
			case op == 1:
				got, ok := m.Swap(k, v)
				result("Swap", got, ok, old, there)
				want[k] = v
			case op == 2:
				got, ok := m.LoadOrStore(k, v)
				if !there {
					old = v
					want[k] = v
				}
				result("LoadOrStore", got, ok, old, there)
			case op == 3:
				m.Update(k, func(o V) V {
					result("Update", o, true, old, true)
					return v
				})
				want[k] = v
			default:
				m.Store(k, v)
				want[k] = v
			}
			if i%(3*n/2) == 0 {
				check()
			}
		}
		check()
		if all := m.Drain(); len(all) != len(want) || m.Len() != 0 {
			t.Fatalf("Drain gives %d entries of %d, %d are left", len(all), len(want), m.Len())
		}
		m.ReplaceAll(want)
		check()
		m.Clear()
		clear(want)
		check()
	})
}

func equal[V comparable](a, b V) bool { return a == b }

func TestLarge(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 600
	}
	number := func(i int) int { return i }
	text := func(i int) string { return strings.Repeat(fmt.Sprint(i), 1+i%9) } // 1 to 36 bytes
	one := new(int)
	t.Run("int-int", func(t *testing.T) { large(t, n, number, number, equal[int]) })
	t.Run("string-string", func(t *testing.T) { large(t, n, text, text, equal[string]) })
	t.Run("short-bool", func(t *testing.T) {
		large(t, n, func(i int) string { return fmt.Sprint(i)[:1] + fmt.Sprint(i%10) }, func(i int) bool { return i%2 == 0 }, equal[bool])
	})
	t.Run("int8-struct{}", func(t *testing.T) {
		large(t, n, func(i int) int8 { return int8(i) }, func(int) struct{} { return struct{}{} }, equal[struct{}])
	})
	t.Run("uint16-pointer", func(t *testing.T) {
		large(t, n, func(i int) uint16 { return uint16(i) }, func(i int) *int {
			return []*int{nil, one, new(int)}[i%3]
		}, equal[*int])
	})
	t.Run("int32-float32", func(t *testing.T) {
		large(t, n, func(i int) int32 { return int32(-i) }, func(i int) float32 { return float32(i) }, equal[float32])
	})
	t.Run("struct-array", func(t *testing.T) {
		large(t, n, func(i int) pair { return pair{text(i), "b"} }, func(i int) [3]int { return [3]int{i, i, i} }, equal[[3]int])
	})
	t.Run("string-two", func(t *testing.T) { // two words without pointers
		large(t, n, text, func(i int) [2]int { return [2]int{i, -i} }, equal[[2]int])
	})
	t.Run("float-any", func(t *testing.T) {
		large(t, n, func(i int) float64 { return float64(i) / 3 }, func(i int) any { return []any{nil, i, "x"}[i%3] }, equal[any])
	})
	t.Run("any-map", func(t *testing.T) {
		large(t, n, func(i int) any { return []any{i, text(i)}[i%2] }, func(i int) map[int]int { return map[int]int{i: i} },
			func(a, b map[int]int) bool { return maps.Equal(a, b) })
	})
	t.Run("int64-int64", func(t *testing.T) { // wider than a word on 32-bit machines
		large(t, n, func(i int) int64 { return int64(i) << 40 }, func(i int) int64 { return int64(i) << 33 }, equal[int64])
	})
}

// TestReaders reads keys that stay, and keys that come and go, while writers make the tables grow,
// fill with deleted keys, shrink, and be exchanged as a whole. Values say which key they belong to,
// and count up, so a value of another key, of no key or of the past shows.
func TestReaders(t *testing.T) {
	type value struct {
		key, count int
		check      string
	}
	for _, procs := range []int{1, 2, 8} {
		t.Run(fmt.Sprint("procs", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			t.Run("word", func(t *testing.T) {
				readers(t, func(key, count int) int { return key<<16 | count&0xffff }, func(v int) (int, int) { return v >> 16, v & 0xffff })
			})
			t.Run("pointer", func(t *testing.T) {
				readers(t, func(key, count int) *value { return &value{key, count, ""} }, func(v *value) (int, int) {
					if v == nil {
						return -1, -1
					}
					return v.key, v.count
				})
			})
			t.Run("box", func(t *testing.T) {
				readers(t, func(key, count int) value { return value{key, count, fmt.Sprint(key, count)} }, func(v value) (int, int) {
					if v.check != fmt.Sprint(v.key, v.count) {
						return -1, -1
					}
					return v.key, v.count
				})
			})
		})
	}
}

func readers[V any](t *testing.T, make func(key, count int) V, read func(V) (key, count int)) {
	const stay, come, writers = 200, 600, 2
	d := 60 * time.Millisecond
	if testing.Short() {
		d = 25 * time.Millisecond
	}
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, V]) {
		m := fresh()
		for k := range stay {
			m.Store(k, make(k, 0))
		}
		var wg sync.WaitGroup
		var stop atomic.Bool
		for w := range writers {
			wg.Add(1)
			go func() { // keys that come and go, of this writer alone
				defer wg.Done()
				for count := 1; !stop.Load(); count++ {
					base := stay + w*come
					for i := range come {
						m.Store(base+i, make(base+i, count))
					}
					for i := range come {
						k := base + i
						if v, ok := m.Load(k); !ok {
							t.Errorf("own key %d is lost", k)
						} else if rk, rc := read(v); rk != k || rc != count&0xffff {
							t.Errorf("own key %d has %d, %d, want %d", k, rk, rc, count)
						}
						if m.Delete(k); i%7 == 0 {
							if _, ok := m.Load(k); ok {
								t.Errorf("own key %d is there after Delete", k)
							}
						}
					}
				}
			}()
		}
		wg.Add(2)
		go func() { // keys that stay, changed by this writer alone
			defer wg.Done()
			for count := 1; !stop.Load() && count < 0xffff; count++ {
				for k := range stay {
					if count%2 == 0 {
						m.Store(k, make(k, count))
					} else {
						m.Update(k, func(V) V { return make(k, count) })
					}
				}
			}
		}()
		go func() {
			defer wg.Done()
			var last [stay]int
			for !stop.Load() {
				for k := range stay + writers*come {
					v, ok := m.Load(k)
					if !ok {
						if k < stay {
							t.Errorf("key %d, which stays, is absent", k)
						}
						continue
					}
					rk, rc := read(v)
					if rk != k || k < stay && rc < last[k] {
						t.Errorf("key %d has %d, %d", k, rk, rc)
					}
					if k < stay {
						last[k] = rc
					}
				}
				seen := 0
				for k, v := range m.All() {
					if rk, _ := read(v); rk != k {
						t.Errorf("All yields %d for key %d", rk, k)
					}
					if k < stay {
						seen++
					}
				}
				if seen != stay {
					t.Errorf("All yields %d of the %d keys that stay", seen, stay)
				}
				if n := m.Len(); n < stay || n > stay+writers*come {
					t.Errorf("Len is %d", n)
				}
			}
		}()
		time.Sleep(d)
		stop.Store(true)
		wg.Wait()
	})
}

// TestReshape takes maps through all layouts of the fast core while others look: few entries, many in
// tables of all shards, shards with their own tables, and few entries again.
func TestReshape(t *testing.T) {
	const stay, writers = 50, 2
	rounds, come := 40, 6000
	if testing.Short() {
		rounds, come = 6, 5000
	}
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, int]) {
		for round := range rounds {
			m := fresh()
			for k := range stay {
				m.Store(k, -k)
			}
			var stop atomic.Bool
			var writing, reading sync.WaitGroup
			for w := range writers {
				writing.Go(func() {
					// Some rounds only grow until the end, others delete on the way.
					for i := range come {
						k := stay + i*writers + w
						m.Store(k, k)
						if v, ok := m.LoadOrStore(k, 0); !ok || v != k {
							t.Errorf("own key %d is %d, %v", k, v, ok)
						}
						if round%2 == 0 && i%3 != 0 {
							m.Delete(k)
						}
					}
					for i := range come {
						k := stay + i*writers + w
						want := round%2 == 1 || i%3 == 0
						if v, ok := m.LoadAndDelete(k); ok != want || ok && v != k {
							t.Errorf("own key %d is %d, %v in the end", k, v, ok)
						}
					}
				})
			}
			reading.Go(func() {
				for !stop.Load() {
					for k := range stay {
						if v, ok := m.Load(k); !ok || v != -k {
							t.Errorf("key %d, which stays, is %d, %v", k, v, ok)
						}
					}
				}
			})
			writing.Wait()
			stop.Store(true)
			reading.Wait()
			if got := m.Snapshot(); len(got) != stay || m.Len() != stay {
				t.Errorf("%d entries in the end, Len %d, want %d", len(got), m.Len(), stay)
			}
		}
	})
}

// TestWholeBesideReaders has Clear, Drain and ReplaceAll change all keys at once: someone who sees the
// new content under one key does not see the old one under another afterwards.
func TestWholeBesideReaders(t *testing.T) {
	const keys = 40
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, int]) {
		m := fresh()
		var stop atomic.Bool
		done := make(chan bool)
		go func() {
			defer close(done)
			for !stop.Load() {
				newest := 0
				for k := range keys {
					if v, ok := m.Load(k * 977); ok && v < newest {
						t.Errorf("key %d has the content %d after %d was seen", k, v, newest)
					} else if ok {
						newest = v
					}
				}
			}
		}()
		rounds := 1500
		if testing.Short() {
			rounds = 300
		}
		for round := 1; round <= rounds; round++ {
			with := map[int]int{}
			for k := range keys {
				with[k*977] = round
			}
			m.ReplaceAll(with)
			if round%5 == 0 {
				if got := m.Drain(); len(got) != keys {
					t.Errorf("Drain gives %d entries", len(got))
				}
			} else if round%7 == 0 {
				m.Clear()
			}
		}
		stop.Store(true)
		<-done
	})
}

// TestLoopSees changes many keys in the bodies of loops over all forms: what is deleted does not come
// later, what is changed comes with its new value, what is cleared is gone at once.
func TestLoopSees(t *testing.T) {
	const n = 500
	for name, m := range intMaps() {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, mode := range []string{"delete", "all", "clear"} {
			want := map[int]int{}
			for k := range n {
				m.Store(k, 0)
				want[k] = 0
			}
			seen, i := map[int]bool{}, 0
			for k, v := range m.All() {
				if w, ok := want[k]; !ok || v != w || seen[k] {
					t.Fatalf("%s: the loop yields %d for %d, want %d, %t, seen %t", name, v, k, w, ok, seen[k])
				}
				seen[k] = true
				i++
				other := rng.IntN(n)
				switch {
				case mode == "clear" && i == n/3:
					m.Clear()
					clear(want)
				case i%3 == 0 || mode == "delete":
					m.Delete(other)
					delete(want, other)
				case i%3 == 1:
					if _, ok := want[other]; ok {
						m.Store(other, i)
						want[other] = i
					}
				default: // many new keys, so that tables are replaced
					for range 5 {
						k := n + rng.Int()%1_000_000
						m.Store(k, i)
						want[k] = i
					}
				}
			}
			for k := range want {
				if k < n && !seen[k] {
					t.Errorf("%s: the loop leaves out %d", name, k)
				}
			}
			m.Clear()
		}
	}
}

// TestReadInCallback reads the map from its own callbacks, which the fast core allows.
func TestReadInCallback(t *testing.T) {
	m := safemap.NewFastSharded[int, int]()
	for k := range 100 {
		m.Store(k, k)
	}
	finishes(t, "reading in a callback", func() {
		sum := m.Update(1, func(old int) int {
			for k := range 100 {
				old += m.Get(k)
			}
			return old
		})
		if sum != 1+99*50 {
			t.Errorf("sum is %d", sum)
		}
	})
}

// TestCallbackWriting shows why callbacks must not write to the map: they wait for themselves. Only
// that goroutine waits, and only keys of its shard are blocked.
func TestCallbackWriting(t *testing.T) {
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, int]) {
		m := fresh()
		m.Store(1, 1)
		entered, passed := make(chan bool), make(chan bool)
		go func() { // stays blocked
			m.Update(1, func(int) int {
				close(entered)
				m.Store(1, 2)
				close(passed)
				return 3
			})
		}()
		<-entered
		finishes(t, "storing other keys", func() {
			for found := 0; found < 3; { // of 100 keys, most are in other shards
				done := make(chan bool)
				k := rand.Int()
				go func() { m.Store(k, k); close(done) }()
				select {
				case <-done:
					found++
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
		select {
		case <-passed:
			t.Error("a callback wrote to its map: document that it may")
		default:
		}
	})
}

// TestLetGo checks that deleted, replaced and cleared values become collectable, while the map lives.
func TestLetGo(t *testing.T) {
	type value struct{ payload [4]int }
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, *value]) {
		letGo(t, fresh, func(p *value) *value { return p })
	})
	type box struct {
		p *value
		n int
	}
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, box]) {
		letGo(t, fresh, func(p *value) box { return box{p, 1} })
	})
	type thin struct{ p *value } // a word, but one with a pointer
	eachCore(t, func(t *testing.T, fresh func(hint ...int) core[int, thin]) {
		letGo(t, fresh, func(p *value) thin { return thin{p} })
	})
}

func letGo[T, V any](t *testing.T, fresh func(hint ...int) core[int, V], wrap func(*T) V) {
	const n = 100
	for name, drop := range map[string]func(core[int, V]){
		"Delete": func(m core[int, V]) {
			for k := range n {
				m.Delete(k)
			}
		},
		"half": func(m core[int, V]) { // no table is rebuilt for so few
			for k := range 5 {
				m.LoadAndDelete(k)
			}
		},
		"Store": func(m core[int, V]) {
			var zero V
			for k := range n {
				m.Store(k, zero)
			}
		},
		"Clear":      func(m core[int, V]) { m.Clear() },
		"Drain":      func(m core[int, V]) { m.Drain() },
		"ReplaceAll": func(m core[int, V]) { m.ReplaceAll(nil) },
	} {
		m := fresh()
		var gone atomic.Int32
		for k := range n {
			p := new(T)
			runtime.AddCleanup(p, func(*atomic.Int32) { gone.Add(1) }, &gone)
			m.Store(k, wrap(p))
		}
		for range 3 {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		if got := gone.Load(); got != 0 {
			t.Fatalf("%d values are let go while they are in the map", got)
		}
		drop(m)
		want := int32(n)
		if name == "half" {
			want = 5
		}
		for range 200 {
			if runtime.GC(); gone.Load() >= want {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if got := gone.Load(); got != want {
			t.Errorf("after %s %d values are let go, want %d", name, got, want)
		}
		runtime.KeepAlive(m)
	}
}

// TestShrinks measures the memory of maps that were large once. A Go map does not give it back, so the
// plain core does not either.
func TestShrinks(t *testing.T) {
	size := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	const n = 100_000
	before := size()
	m := safemap.NewFastSharded[int, int]()
	if empty := int64(size() - before); empty > 1024 {
		t.Errorf("an empty map has %d bytes", empty)
	}
	for k := range n {
		m.Store(k, k)
	}
	full := size() - before
	for k := range n - n/500 {
		m.Delete(k)
	}
	if left := size() - before; int64(left) > int64(full)/50 {
		t.Errorf("%d bytes when full, %d with a 500th of the keys", full, left)
	}
	var builtin map[int]int
	before = size()
	builtin = map[int]int{}
	for k := range n {
		builtin[k] = k
	}
	other := size() - before
	if bits.UintSize == 32 {
		other += other / 20 // entries are small there, and a word for tags is the same
	}
	if full > other {
		t.Errorf("%d bytes, a Go map has %d", full, other)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(builtin)
}

// TestFastAllocs holds the fast core to no allocation for keys that are there and values of a word, and
// to the one of a copy for others.
func TestFastAllocs(t *testing.T) {
	allocs[string, int](t, "key of a string", 7, 0)
	allocs(t, 7, 7, 0)
	allocs(t, 7, new(int), 0)
	allocs(t, pair{"a", "b"}, true, 0)
	allocs(t, 7, struct{}{}, 0)
	allocs(t, 7, func() {}, 0)
	allocs(t, 7, "a string", 1)
}

func allocs[K comparable, V any](t *testing.T, key K, value V, want float64) {
	t.Helper()
	m := safemap.NewFastSharded[K, V]()
	m.Store(key, value)
	same := func(old V) V { return old }
	keep := func(old V, _ bool) (V, safemap.Op) { return old, safemap.Keep }
	for op, f := range map[string]func(){
		"Load":        func() { m.Load(key) },
		"LoadOrStore": func() { m.LoadOrStore(key, value) },
		"Compute":     func() { m.Compute(key, keep) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s of %T, %T allocates %v times", op, key, value, n)
		}
	}
	for op, f := range map[string]func(){
		"Store":  func() { m.Store(key, value) },
		"Update": func() { m.Update(key, same) },
		"Swap":   func() { m.Swap(key, value) },
	} {
		if n := testing.AllocsPerRun(100, f); n != want {
			t.Errorf("%s of %T, %T allocates %v times, want %v", op, key, value, n, want)
		}
	}
}
