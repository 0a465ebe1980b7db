package safemap_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/safemap"
	"pgregory.net/rapid"
)

// This file compares the one-level types with a plain map, operation by operation, panics included.
// TestModel and FuzzModel drive the same machine.

// Every one-level type is a MapProvider.
var (
	_ safemap.MapProvider[any, []int] = (*safemap.Sharded[any, []int])(nil)
	_ safemap.MapProvider[any, []int] = (*safemap.FastSharded[any, []int])(nil)
	_ safemap.MapProvider[any, []int] = (*safemap.SyncMap[any, []int])(nil)
	_ safemap.MapProvider[any, []int] = (*safemap.Locked[any, []int])(nil)
	_ safemap.MapProvider[any, []int] = (*safemap.Handle[any, []int])(nil)
	_ safemap.MapProvider[any, []int] = (*safemap.Mirror[any, []int])(nil)
)

type provider = safemap.MapProvider[any, []int]

// subject is one way to come by a map, and what the plain map is like then.
type subject struct {
	name string
	make func() provider
	zero bool // a nil map that the first store makes
	nil  bool // a nil map that stays one
}

func subjects[P provider](name string, make func(...int) P, of func(map[any][]int) P) []subject {
	var null P
	return []subject{
		{name: name + "/New", make: func() provider { return make() }},
		{name: name + "/NewHint", make: func() provider { return make(100) }},
		{name: name + "/Of", make: func() provider { return of(map[any][]int{}) }},
		{name: name + "/nil", make: func() provider { return null }, nil: true},
		{name: name + "/OfNil", make: func() provider { return of(nil) }, nil: true},
	}
}

func allSubjects() []subject {
	var all []subject
	all = append(all, subjects("Sharded", safemap.NewSharded[any, []int], safemap.ShardedOf[any, []int])...)
	all = append(all, subjects("FastSharded", safemap.NewFastSharded[any, []int], safemap.FastShardedOf[any, []int])...)
	all = append(all, subjects("SyncMap", safemap.NewSyncMap[any, []int], safemap.SyncMapOf[any, []int])...)
	all = append(all, subjects("Locked", safemap.NewLocked[any, []int], safemap.LockedOf[any, []int])...)
	all = append(all, subjects("Handle", safemap.NewHandle[any, []int], safemap.HandleOf[any, []int])...)
	return append(all,
		subject{name: "Sharded/zero", make: func() provider { return new(safemap.Sharded[any, []int]) }, zero: true},
		subject{name: "FastSharded/zero", make: func() provider { return new(safemap.FastSharded[any, []int]) }, zero: true},
		subject{name: "SyncMap/zero", make: func() provider { return new(safemap.SyncMap[any, []int]) }, zero: true},
		subject{name: "Locked/zero", make: func() provider { return new(safemap.Locked[any, []int]) }, zero: true},
		subject{name: "Handle/zero", make: func() provider { return new(safemap.Handle[any, []int]) }, zero: true},
		subject{name: "NewProvider", make: func() provider { return safemap.NewProvider[any, []int]() }},
		subject{name: "ProviderOf", make: func() provider { return safemap.ProviderOf(map[any][]int{}) }},
		subject{name: "ProviderOf/nil", make: func() provider { return safemap.ProviderOf[any, []int](nil) }, nil: true},
	)
}

type pair struct{ a, b string }

// keys holds ordinary keys, a nil one, NaN, and at the end one that panics.
var keys = []any{0, 1, 2, 3, "a", "b", pair{"a", "b"}, nil, math.NaN(), []int{1}}

const unhashable = 9

// machine runs the same operation on a map and on the plain map that it stands for.
type machine struct {
	subject
	got  provider
	want map[any][]int
	fail func(format string, args ...any)
}

func newMachine(s subject, fail func(string, ...any)) *machine {
	m := &machine{subject: s, got: s.make(), fail: fail}
	if !s.zero && !s.nil {
		m.want = map[any][]int{}
	}
	return m
}

// outcome is what an operation returned, or the panic it ended in.
func outcome(f func() string) (out string) {
	defer func() {
		if r := recover(); r != nil {
			_, isRuntime := r.(runtime.Error)
			if strings.Contains(fmt.Sprint(r), "unhashable type") {
				r = "unhashable" // the plain map has two wordings: one when empty, one when not
			}
			out = fmt.Sprintf("panic %v, runtime.Error %t", r, isRuntime)
		}
	}()
	return f()
}

func show(v []int, ok ...bool) string { return fmt.Sprint(v, v == nil, ok) }

// entries renders entries independently of order and of NaN.
func entries(m map[any][]int) string {
	var lines []string
	for k, v := range m {
		lines = append(lines, fmt.Sprintf("%v=%v", k, v))
	}
	slices.Sort(lines)
	return fmt.Sprint(m == nil, len(m), lines)
}

var ops = []string{"Load", "Get", "Store", "Delete", "LoadOrStore", "LoadOrCompute", "LoadAndDelete", "Swap",
	"Update", "UpdatePanic", "ComputeKeep", "ComputePut", "ComputeRemove", "ComputePanic", "LoadOrComputePanic",
	"Len", "Clear", "All", "AllMutating", "Keys", "Values", "Snapshot", "Drain", "ReplaceAll", "Do", "DoPanic", "Switch"}

// step runs operation op with the key and value of those numbers.
func (m *machine) step(op, keyNumber, n int) {
	name, key, value := ops[op%len(ops)], keys[keyNumber%len(keys)], []int{n}
	// What may store makes the zero value a map; a callback that panics may or may not.
	fits := true
	make := func() {
		if m.zero && m.want == nil {
			m.want = map[any][]int{}
		}
	}
	var got, want func() string
	grow := func(old []int) []int { return append(slices.Clip(old), n) }
	boom := func() []int { panic("boom") }
	switch name {
	case "Load":
		got = func() string { v, ok := m.got.Load(key); return show(v, ok) }
		want = func() string { v, ok := m.want[key]; return show(v, ok) }
	case "Get":
		got = func() string { return show(m.got.Get(key)) }
		want = func() string { return show(m.want[key]) }
	case "Store":
		make()
		got = func() string { m.got.Store(key, value); return "" }
		want = func() string { m.want[key] = value; return "" }
	case "Delete":
		got = func() string { m.got.Delete(key); return "" }
		want = func() string { delete(m.want, key); return "" }
	case "LoadOrStore", "LoadOrCompute", "LoadOrComputePanic":
		make()
		f := func() []int { return value }
		if name == "LoadOrComputePanic" {
			f = boom
		}
		got = func() string {
			if name == "LoadOrStore" {
				v, ok := m.got.LoadOrStore(key, value)
				return show(v, ok)
			}
			v, ok := m.got.LoadOrCompute(key, f)
			return show(v, ok)
		}
		want = func() string {
			if v, ok := m.want[key]; ok {
				return show(v, true)
			}
			v := f()
			m.want[key] = v
			return show(v, false)
		}
	case "LoadAndDelete":
		got = func() string { v, ok := m.got.LoadAndDelete(key); return show(v, ok) }
		want = func() string { v, ok := m.want[key]; delete(m.want, key); return show(v, ok) }
	case "Swap":
		make()
		got = func() string { v, ok := m.got.Swap(key, value); return show(v, ok) }
		want = func() string { v, ok := m.want[key]; m.want[key] = value; return show(v, ok) }
		fits = !(m.nil && keyNumber%len(keys) == unhashable) // the plain map reads first, Swap may not
	case "Update", "UpdatePanic":
		make()
		f := grow
		if name == "UpdatePanic" {
			f = func([]int) []int { return boom() }
		}
		got = func() string { return show(m.got.Update(key, f)) }
		want = func() string { v := f(m.want[key]); m.want[key] = v; return show(v) }
	case "ComputeKeep", "ComputePut", "ComputeRemove", "ComputePanic":
		make()
		f := func(old []int, loaded bool) ([]int, safemap.Op) {
			switch name {
			case "ComputePut":
				return append(grow(old), len(old)), safemap.Put
			case "ComputeRemove":
				return value, safemap.Remove
			case "ComputePanic":
				boom()
			}
			return value, safemap.Keep
		}
		got = func() string { v, ok := m.got.Compute(key, f); return show(v, ok) }
		want = func() string {
			old, ok := m.want[key]
			switch v, op := f(old, ok); op {
			case safemap.Put:
				m.want[key] = v
				return show(v, true)
			case safemap.Remove:
				delete(m.want, key)
				return show(nil, false)
			}
			return show(old, ok)
		}
	case "Len":
		got = func() string { return fmt.Sprint(m.got.Len()) }
		want = func() string { return fmt.Sprint(len(m.want)) }
	case "Clear":
		make()
		got = func() string { m.got.Clear(); return "" }
		want = func() string { clear(m.want); return "" }
	case "All", "Keys", "Values", "AllMutating":
		m.iterate(name, n)
		return
	case "Snapshot":
		got = func() string { return entries(m.got.Snapshot()) }
		want = func() string { return entries(m.want) }
	case "Drain":
		d, ok := m.got.(interface{ Drain() map[any][]int })
		if !ok {
			return
		}
		make()
		got = func() string { return entries(d.Drain()) }
		want = func() string { all := entries(m.want); clear(m.want); return all }
	case "ReplaceAll":
		r, ok := m.got.(interface{ ReplaceAll(map[any][]int) })
		if !ok {
			return
		}
		make()
		with := map[any][]int{key0(key): value, n: {n, n}}
		got = func() string { r.ReplaceAll(with); with["later"] = nil; return "" }
		want = func() string {
			clear(m.want)
			m.want[n], m.want[key0(key)] = []int{n, n}, value
			if key0(key) == n {
				m.want[n] = with[n]
			}
			return ""
		}
	case "Do", "DoPanic":
		d, ok := m.got.(interface{ Do(func(map[any][]int)) })
		if !ok {
			return
		}
		make()
		f := func(in map[any][]int) {
			in[0] = append(slices.Clip(in[1]), n)
			delete(in, 1)
			if name == "DoPanic" {
				boom()
			}
		}
		got = func() string { d.Do(f); return "" }
		want = func() string { f(m.want); return "" }
	case "Switch":
		h, ok := m.got.(*safemap.Handle[any, []int])
		if !ok || h == nil {
			return
		}
		make()
		to := []provider{safemap.NewSharded[any, []int](), safemap.NewLocked[any, []int](), safemap.NewSyncMap[any, []int]()}[n%3]
		h.Switch(to)
		if again := h.Snapshot(); entries(again) != entries(m.want) {
			m.fail("%s: Switch lost something: %s, want %s", m.name, entries(again), entries(m.want))
		}
		return
	}
	g, w := outcome(got), outcome(want)
	if fits && g != w {
		m.fail("%s: %s(%v, %d) = %s, want %s", m.name, name, key, n, g, w)
	}
	m.check(name)
}

// key0 replaces keys that a map literal cannot be built with.
func key0(key any) any {
	if _, ok := key.([]int); ok {
		return 0
	}
	return key
}

// check compares the whole content. A zero value may be made or not by an operation that may store
// but did not; then the model follows.
func (m *machine) check(after string) {
	got := m.got.Snapshot()
	if m.zero && len(m.want) == 0 && len(got) == 0 {
		if m.want = nil; got != nil {
			m.want = map[any][]int{}
		}
	}
	if g, w := entries(got), entries(m.want); g != w {
		m.fail("%s: after %s: %s, want %s", m.name, after, g, w)
	}
	if g, w := m.got.Len(), len(m.want); g != w {
		m.fail("%s: after %s: Len %d, want %d", m.name, after, g, w)
	}
	for k, v := range m.want {
		if g, ok := m.got.Load(k); k == k && (!ok || show(g) != show(v)) {
			m.fail("%s: after %s: Load(%v) = %v, %t, want %v", m.name, after, k, g, ok, v)
		}
	}
}

// iterate checks the rules of iteration, with a body that breaks off, deletes, stores and clears.
func (m *machine) iterate(name string, n int) {
	stayed := map[any]bool{} // keys that are there from beginning to end
	for k := range m.want {
		if k == k {
			stayed[k] = true
		}
	}
	seen := map[any]bool{}
	nans, left := 0, 1+n%12
	stopped := false
	body := func(k any, v []int, hasKey, hasValue bool) bool {
		if hasKey && k == k {
			if seen[k] {
				m.fail("%s: %s yields %v twice", m.name, name, k)
			}
			seen[k] = true
			w, ok := m.want[k]
			if !ok {
				m.fail("%s: %s yields %v, which was deleted", m.name, name, k)
			}
			if hasValue && show(v) != show(w) {
				m.fail("%s: %s yields %v for %v, want %v", m.name, name, v, k, w)
			}
		} else if hasKey {
			nans++
		}
		if name == "AllMutating" {
			key := keys[(n+len(seen))%8] // neither NaN nor unhashable
			switch n % 5 {
			case 0, 1:
				m.got.Delete(key)
				delete(m.want, key)
				delete(stayed, key)
			case 2, 3:
				m.got.Store(key, []int{n, n})
				m.want[key] = []int{n, n}
			case 4:
				m.got.Clear()
				clear(m.want)
				clear(stayed)
			}
			return true
		}
		if left--; left == 0 {
			stopped = true
			return false
		}
		return true
	}
	switch name {
	case "All", "AllMutating":
		m.got.All()(func(k any, v []int) bool { return body(k, v, true, true) })
	case "Keys":
		m.got.Keys()(func(k any) bool { return body(k, nil, true, false) })
	case "Values":
		count := 0
		m.got.Values()(func(v []int) bool { count++; return body(nil, v, false, true) })
		if !stopped && count != len(m.want) {
			m.fail("%s: Values yields %d values, want %d", m.name, count, len(m.want))
		}
		return
	}
	for k := range stayed {
		if !stopped && !seen[k] {
			m.fail("%s: %s leaves out %v", m.name, name, k)
		}
	}
	m.check(name)
}

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("rapid.nofailfile", "true") // a failure prints its steps; it leaves no files here
	os.Exit(m.Run())
}

func TestModel(t *testing.T) {
	for _, s := range allSubjects() {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := newMachine(s, t.Fatalf)
				for range rapid.IntRange(1, 30).Draw(t, "steps") {
					op := rapid.IntRange(0, len(ops)-1).Draw(t, "op")
					m.step(op, rapid.IntRange(0, len(keys)-1).Draw(t, "key"), rapid.IntRange(0, 59).Draw(t, "n"))
				}
			})
		})
	}
}

// FuzzModel reads a subject, a Nested if 128 or more, and then its operations: quadruples of operation,
// two keys (the second is for Nested) and a value.
func FuzzModel(f *testing.F) {
	all := allSubjects()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > 400 {
			return
		}
		one := newMachine(all[int(data[0])%len(all)], t.Fatalf)
		two := newNestedMachine(nestedSubjects[int(data[0])%len(nestedSubjects)], t.Fatalf)
		nested := data[0] >= 128
		for data = data[1:]; len(data) >= 4; data = data[4:] {
			if nested {
				two.step(int(data[0]), int(data[1]), int(data[2]), int(data[3]))
			} else {
				one.step(int(data[0]), int(data[1]), int(data[3]))
			}
		}
	})
}
