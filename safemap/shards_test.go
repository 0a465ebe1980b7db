package safemap

import (
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"
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
	// So they do in the fast core, whatever kind they are of.
	a, b := NewFastSharded[string, int](), NewFastSharded[string, int]()
	c, d := NewFastSharded[int, int](), NewFastSharded[int, int]()
	a.ready()
	b.ready()
	c.ready()
	d.ready()
	used, same = map[int]bool{}, 0
	for k := range 1000 {
		text := strings.Repeat("x", k%50) + strconv.Itoa(k)
		i, _ := a.split(a.hashing.hash(text))
		j, _ := c.split(c.hashing.hash(k << 16))
		used[int(i)], used[1000+int(j)] = true, true
		if a.hashing.hash(text) == b.hashing.hash(text) || c.hashing.hash(k) == d.hashing.hash(k) {
			same++
		}
	}
	if len(used) < 2*len(a.stripes)*9/10 || same > 0 {
		t.Errorf("%d of 2 × %d shards used, %d equal hashes in two maps", len(used), len(a.stripes), same)
	}
	if size := unsafe.Sizeof(stripe{}); size != 64 {
		t.Errorf("a stripe has %d bytes", size)
	}
}
