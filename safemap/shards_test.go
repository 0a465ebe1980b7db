package safemap

import (
	"reflect"
	"runtime"
	"testing"
)

// TestShards checks the layout: every shard fills a cache line, and their number is in bounds.
func TestShards(t *testing.T) {
	if size := reflect.TypeFor[shard[string, [9]int]]().Size(); size != 64 {
		t.Errorf("a shard has %d bytes", size)
	}
	if size := reflect.TypeFor[gate]().Size(); size != 64 {
		t.Errorf("a gate has %d bytes", size)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for procs, want := range map[int]int{1: 8, 2: 8, 3: 16, 4: 16, 5: 32, 64: 256, 100: 256} {
		runtime.GOMAXPROCS(procs)
		if got := shardCount(); got != want {
			t.Errorf("%d shards for %d procs, want %d", got, procs, want)
		}
	}
	// Keys spread over the shards, differently in every map.
	one, other := newTable[int, int](8, nil), newTable[int, int](8, nil)
	used, same := map[int]bool{}, 0
	for k := range 1000 {
		i := one.index(k)
		used[i] = true
		if i == other.index(k) {
			same++
		}
	}
	if n := len(one.shards); len(used) != n || same > 500 {
		t.Errorf("%d of %d shards used, %d keys in the same shard of two maps", len(used), n, same)
	}
}
