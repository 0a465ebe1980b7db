package safemap

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// TestShards checks the layout: every shard fills a cache line, and their number is in bounds.
func TestShards(t *testing.T) {
	if size := max(reflect.TypeFor[shard[share[string, [9]int]]]().Size(), reflect.TypeFor[shard[rowIndex[string, int, [9]int]]]().Size()); size != 64 {
		t.Errorf("a shard has %d bytes", size)
	}
	if size := reflect.TypeFor[gate]().Size(); size != 64 {
		t.Errorf("a gate has %d bytes", size)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for procs, want := range map[int]int{1: 16, 2: 32, 3: 64, 4: 64, 5: 128, 16: 256, 100: 256} {
		runtime.GOMAXPROCS(procs)
		if got := shardCount(); got != want {
			t.Errorf("%d shards for %d procs, want %d", got, procs, want)
		}
	}
	// Keys spread over the shards, differently in every map.
	one, other := newTable[int, share[int, int]](8), newTable[int, share[int, int]](8)
	used, same := map[int]bool{}, 0
	for k := range 1000 {
		i := one.index(one.hash(k))
		used[i] = true
		if i == other.index(other.hash(k)) {
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

// TestRowIndex compares an index, whose hashes are so few that most keys have to give way, with a map.
func TestRowIndex(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(1, seed))
		hash := func(key int) uint64 { return uint64(key)*0x9e3779b97f4a7c15>>(60-seed%4) | 1 }
		var x rowIndex[int, int, int]
		want := map[int]int{}
		for step := range 2000 {
			key := rng.IntN(20 + 100*int(seed%5))
			switch at, in := x.find(hash(key), key), want[key] != 0; {
			case (at != nil) != in, in && at.row[0] != want[key]:
				t.Fatalf("seed %d, step %d: found %v, want %d", seed, step, at, want[key])
			case in && rng.IntN(4) > 0:
				x.remove(at)
				delete(want, key)
			case in:
				at.row = map[int]int{0: step + 1}
				want[key] = step + 1
			default:
				x.add(hash(key), key, map[int]int{0: step + 1})
				want[key] = step + 1
			}
			if all := x.copied(nil); len(all) != len(want) || x.used != len(want) || 2*x.used > len(x.slots) {
				t.Fatalf("seed %d, step %d: %d entries, %d of %d slots used, want %d", seed, step, len(all), x.used, len(x.slots), len(want))
			}
		}
	}
	var x rowIndex[int, int, int]
	x.grow(100)
	room := len(x.slots)
	for key := range 100 {
		x.add(uint64(key)<<1|1, key, nil)
	}
	if len(x.slots) != room || room > 512 {
		t.Errorf("%d slots for 100 rows became %d", room, len(x.slots))
	}
}
