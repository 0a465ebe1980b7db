// SPDX-License-Identifier: MIT-0

// The shards of Sharded and Nested: how a key finds its shard, and how shards are locked, one at a
// time or all in order. The operations are in sharded.go and nested.go.

package safemap

import (
	"cmp"
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// shards is a map in shards, untouched at first. A nil one is a nil map.
type shards[K comparable, V any] struct {
	table atomic.Pointer[table[K, V]] // nil until first needed
	count int                         // of shards; 0 is shardCount()
}

// table is what shards in use point to. The table itself never changes.
type table[K comparable, V any] struct {
	seeds  seeds         // random, so that nobody can choose keys that meet in one shard
	shards []shard[K, V] // a power of two of them
}

type shard[K comparable, V any] struct {
	mu      sync.Mutex
	loops   int32                             // under way; guarded by mu
	version atomic.Uint32                     // changes before m does, while there are loops
	m       map[K]V                           // guarded by mu; nil until first stored into
	hint    int                               // size to make m with
	_       [64 - 16 - 2*bits.UintSize/8]byte // shards do not share cache lines
}

func newTable[K comparable, V any](shards int, sizeHint []int) *table[K, V] {
	t := &table[K, V]{seeds: newSeeds(), shards: make([]shard[K, V], shards)}
	for i := range t.shards {
		for _, hint := range sizeHint {
			t.shards[i].hint = max(hint, 0) / shards
		}
	}
	return t
}

// index returns the index of key's shard. An unhashable key panics here, before any lock is taken.
// Integers are multiplied once: that is enough to choose among few shards by the upper bits.
func (t *table[K, V]) index(key K) int {
	var h uint64
	switch k := any(key).(type) {
	case int:
		h = (uint64(k) ^ t.seeds.secret[0]) * t.seeds.secret[1]
	case string:
		h = t.seeds.hashString(k)
	default:
		h = maphash.Comparable(t.seeds.seed, key)
	}
	return int(h >> 32 * uint64(len(t.shards)) >> 32)
}

// ready returns the table, made on first use. m is not nil.
func (m *shards[K, V]) ready() *table[K, V] {
	for {
		if t := m.table.Load(); t != nil {
			return t
		}
		m.table.CompareAndSwap(nil, newTable[K, V](cmp.Or(m.count, shardCount()), nil))
	}
}

// each yields the shards in order: none if m is nil or untouched.
func (m *shards[K, V]) each() iter.Seq[*shard[K, V]] {
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

// get locks key's shard for reading and returns it with its map. If m is nil or
// untouched, both are nil: there is nothing to lock, and a nil map to read.
func (m *shards[K, V]) get(key K) (*shard[K, V], map[K]V) {
	if m != nil {
		if t := m.table.Load(); t != nil {
			s := &t.shards[t.index(key)]
			s.mu.Lock()
			return s, s.m
		}
	}
	return nil, nil
}

// cut is get for deleting.
func (m *shards[K, V]) cut(key K) (*shard[K, V], map[K]V) {
	s, in := m.get(key)
	if s != nil {
		s.changes()
	}
	return s, in
}

// put locks key's shard for storing and returns it with its map. Only if m is nil both are nil:
// there is nothing to lock, and storing panics as into any nil map.
func (m *shards[K, V]) put(key K) (*shard[K, V], map[K]V) {
	if m == nil {
		return nil, nil
	}
	t := m.ready()
	s := &t.shards[t.index(key)]
	s.mu.Lock()
	s.changes()
	if s.m == nil {
		s.m = make(map[K]V, s.hint)
	}
	return s, s.m
}

// changes is called, with the lock held, before a change.
func (s *shard[K, V]) changes() {
	if s.loops > 0 {
		s.version.Add(1)
	}
}

// unlock undoes get, cut and put.
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

// loop yields the entries: all that it found at first and that are there still, with their current
// values. It holds no lock meanwhile; as long as the version stays, so did the entries. It reports
// whether the loop goes on, and returns buf, which it uses.
func (s *shard[K, V]) loop(buf []entry[K, V], yield func(K, V) bool) ([]entry[K, V], bool) {
	s.mu.Lock()
	s.loops++
	version := s.version.Load()
	buf = appendEntries(slices.Grow(buf[:0], len(s.m)), s.m)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.loops--
		s.mu.Unlock()
	}()
	for _, e := range buf {
		if ok := true; s.version.Load() != version && e.key == e.key { // not NaN
			if e.value, ok = s.load(e.key); !ok {
				continue
			}
		}
		if !yield(e.key, e.value) {
			return buf, false
		}
	}
	return buf, true
}

// swap exchanges the maps of all shards for those in next. It takes all locks, in order, before it
// changes anything, so it is one atomic step.
func (t *table[K, V]) swap(next []map[K]V) {
	for i := range t.shards {
		t.shards[i].mu.Lock()
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.changes()
		next[i], s.m = s.m, next[i]
		s.mu.Unlock()
	}
}

// all iterates over the entries, shard after shard.
func (m *shards[K, V]) all(yield func(K, V) bool) {
	var buf []entry[K, V]
	more := true
	for s := range m.each() {
		if buf, more = s.loop(buf, yield); !more {
			return
		}
	}
}

// len returns the sum of the shards' lengths, each at its own instant.
func (m *shards[K, V]) len() int {
	n := 0
	for s := range m.each() {
		s.mu.Lock()
		n += len(s.m)
		s.mu.Unlock()
	}
	return n
}

// clear removes all entries, in one atomic step, and returns the shards' maps.
func (m *shards[K, V]) clear() []map[K]V {
	if m == nil {
		return nil
	}
	t := m.ready()
	parts := make([]map[K]V, len(t.shards))
	t.swap(parts)
	return parts
}

// reset makes m an untouched map again. It is not nil.
func (m *shards[K, V]) reset() {
	if t := m.table.Swap(nil); t != nil {
		t.swap(make([]map[K]V, len(t.shards)))
	}
}
