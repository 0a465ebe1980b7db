// SPDX-License-Identifier: MIT-0

// The shards of Sharded (and of Nested, which is built on it): how a key finds its shard, and how
// shards are locked, one at a time or all in order. The operations are in sharded.go.

package safemap

import (
	"cmp"
	"hash/maphash"
	"iter"
	"math/bits"
	"runtime"
	"sync"
)

// table is what a Sharded in use points to. The table itself never changes.
type table[K comparable, V any] struct {
	seed   maphash.Seed  // random, so that nobody can choose keys that meet in one shard
	shards []shard[K, V] // a power of two of them
}

type shard[K comparable, V any] struct {
	mu   sync.Mutex
	m    map[K]V                          // guarded by mu; nil until first stored into
	hint int                              // size to make m with
	_    [64 - 8 - 2*bits.UintSize/8]byte // shards do not share cache lines
}

// shardCount returns 4 × GOMAXPROCS as a power of two, at least 8 and at most 256.
func shardCount() int {
	return 1 << bits.Len(uint(min(max(4*runtime.GOMAXPROCS(0), 8), 256)-1))
}

func newTable[K comparable, V any](shards int, sizeHint []int) *table[K, V] {
	t := &table[K, V]{seed: maphash.MakeSeed(), shards: make([]shard[K, V], shards)}
	for i := range t.shards {
		for _, hint := range sizeHint {
			t.shards[i].hint = max(hint, 0) / shards
		}
	}
	return t
}

// index returns the index of key's shard. An unhashable key panics here, before any lock is taken.
func (t *table[K, V]) index(key K) int {
	return int(maphash.Comparable(t.seed, key) & uint64(len(t.shards)-1))
}

// ready returns the table of a Sharded that is not nil, made on first use.
func (m *Sharded[K, V]) ready() *table[K, V] {
	for {
		if t := m.table.Load(); t != nil {
			return t
		}
		m.table.CompareAndSwap(nil, newTable[K, V](cmp.Or(m.count, shardCount()), nil))
	}
}

// each yields the shards in order: none if m is nil or untouched.
func (m *Sharded[K, V]) each() iter.Seq[*shard[K, V]] {
	return func(yield func(*shard[K, V]) bool) {
		if m == nil {
			return
		}
		if t := m.table.Load(); t != nil {
			for i := range t.shards {
				if !yield(&t.shards[i]) {
					return
				}
			}
		}
	}
}

// get locks key's shard for reading or deleting and returns it with its map. If m is nil or
// untouched, both are nil: there is nothing to lock, and a nil map to read.
func (m *Sharded[K, V]) get(key K) (*shard[K, V], map[K]V) {
	if m != nil {
		if t := m.table.Load(); t != nil {
			s := &t.shards[t.index(key)]
			s.mu.Lock()
			return s, s.m
		}
	}
	return nil, nil
}

// put locks key's shard for storing and returns it with its map. Only if m is nil both are nil:
// there is nothing to lock, and storing panics as into any nil map.
func (m *Sharded[K, V]) put(key K) (*shard[K, V], map[K]V) {
	if m == nil {
		return nil, nil
	}
	t := m.ready()
	s := &t.shards[t.index(key)]
	s.mu.Lock()
	if s.m == nil {
		s.m = make(map[K]V, s.hint)
	}
	return s, s.m
}

// unlock undoes get and put.
func (s *shard[K, V]) unlock() {
	if s != nil {
		s.mu.Unlock()
	}
}

// load is Load on the shard that key is in.
func (s *shard[K, V]) load(key K) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[key]
	return v, ok
}

// entries appends a copy of the shard's entries to buf.
func (s *shard[K, V]) entries(buf []entry[K, V]) []entry[K, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return appendEntries(buf, s.m)
}

// swap exchanges the maps of all shards for those in next. It takes all locks, in order, before it
// changes anything, so it is one atomic step.
func (t *table[K, V]) swap(next []map[K]V) {
	for i := range t.shards {
		t.shards[i].mu.Lock()
	}
	for i := range t.shards {
		s := &t.shards[i]
		next[i], s.m = s.m, next[i]
		s.mu.Unlock()
	}
}
