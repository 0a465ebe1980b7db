package safemap_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mapmigrate/mapmigrate/safemap"
)

// What was m[k]++ is one step.
func ExampleSharded() {
	hits := safemap.NewSharded[string, int]()
	for _, path := range []string{"/", "/about", "/"} {
		hits.Update(path, func(old int) int { return old + 1 })
	}
	fmt.Println(hits, hits.Len())
	// Output: map[/:2 /about:1] 2
}

// What was "if v, ok := m[k]; ok && v == 0 { delete(m, k) }" is one step.
func ExampleSharded_Compute() {
	left := safemap.ShardedOf(map[string]int{"a": 0, "b": 1})
	for k := range left.Keys() {
		left.Compute(k, func(n int, loaded bool) (int, safemap.Op) {
			if loaded && n == 0 {
				return 0, safemap.Remove
			}
			return n, safemap.Keep
		})
	}
	fmt.Println(left)
	// Output: map[b:1]
}

// Steps that concern several keys are done in one with Do.
func ExampleLocked_Do() {
	balance := safemap.LockedOf(map[string]int{"from": 10, "to": 0})
	balance.Do(func(m map[string]int) {
		m["from"] -= 3
		m["to"] += 3
	})
	fmt.Println(balance)
	// Output: map[from:7 to:3]
}

// A row handle is what an inner map alias was.
func ExampleNested() {
	sessions := safemap.NewNested[string, string, int]()
	sessions.Store("ann", "s1", 1)
	row := sessions.Row("ann")
	row.Store("s2", 2)
	sessions.Delete("ann", "s1")
	fmt.Println(sessions, sessions.RowLen("ann"))
	sessions.DeleteRow("ann")
	row.Store("s3", 3) // detached
	fmt.Println(sessions, row)
	// Output:
	// map[ann:map[s2:2]] 1
	// map[] map[s2:2 s3:3]
}

// The fast core is emitted under the name Sharded, and is used as that is.
func ExampleFastSharded() {
	hits := safemap.NewFastSharded[string, int]()
	hits.Update("/", func(old int) int { return old + 1 })
	n, ok := hits.Load("/")
	fmt.Println(n, ok, hits)
	// Output: 1 true map[/:1]
}

// What was "if _, ok := m[k]; !ok { m[k] = x }; return m[k]" is one step.
func ExampleSyncMap() {
	names := safemap.NewSyncMap[int, string]()
	first, loaded := names.LoadOrCompute(7, func() string { return "seven" })
	fmt.Println(first, loaded)
	again, loaded := names.LoadOrCompute(7, func() string { return "never called" })
	fmt.Println(again, loaded)
	// Output:
	// seven false
	// seven true
}

// A loop calls its body with no lock held: the body may change the map.
func ExampleLocked() {
	jobs := safemap.LockedOf(map[string]bool{"a": true, "b": false})
	for name, done := range jobs.All() {
		if done {
			jobs.Delete(name)
		}
	}
	fmt.Println(jobs)
	// Output: map[b:false]
}

// What was inner, ok := m[a] is a handle, and what was m[a] = make(map[K]V) makes one.
func ExampleRow() {
	m := new(safemap.Nested[string, string, int])
	row, loaded := m.LoadOrCreateRow("a")
	row.Store("x", 1)
	fmt.Println(loaded, m, row.Len())
	// Output: false map[a:map[x:1]] 1
}

// Code that takes a MapProvider does not say which form the map has.
func ExampleMapProvider() {
	count := func(m safemap.MapProvider[string, int], word string) int {
		return m.Update(word, func(old int) int { return old + 1 })
	}
	fmt.Println(count(safemap.NewSharded[string, int](), "a"), count(safemap.NewLocked[string, int](), "a"))
	// Output: 1 1
}

// NestedProvider is the same for two levels.
func ExampleNestedProvider() {
	var m safemap.NestedProvider[string, int, bool] = safemap.NewNestedLocked[string, int, bool]()
	m.Store("a", 1, true)
	fmt.Println(m.RowSnapshot("a"), m.DeleteRowIfEmpty("a"))
	// Output: map[1:true] false
}

// A Handle can go over to another form while it is in use.
func ExampleHandle_Switch() {
	h := safemap.HandleOf(map[string]int{"a": 1})
	h.Switch(safemap.NewSyncMap[string, int]())
	fmt.Println(h.Get("a"), h)
	// Output: 1 map[a:1]
}

// A comparison and a change are one step for all forms.
func ExampleCompareAndSwap() {
	m := safemap.ShardedOf(map[string]int{"a": 1})
	fmt.Println(safemap.CompareAndSwap(m, "a", 1, 2), safemap.CompareAndSwap(m, "a", 1, 3), m)
	// Output: true false map[a:2]
}

// The sources that go into a user's module.
func ExampleFiles() {
	files, err := safemap.Files(safemap.Plain, "Locked")
	fmt.Println(slices.Sorted(maps.Keys(files)), err)
	// Output: [common.go doc.go locked.go] <nil>
}
