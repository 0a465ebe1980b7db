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

// The sources that go into a user's module.
func ExampleFiles() {
	files, err := safemap.Files(safemap.Plain, "Locked")
	fmt.Println(slices.Sorted(maps.Keys(files)), err)
	// Output: [common.go doc.go locked.go] <nil>
}
