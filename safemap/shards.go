// SPDX-License-Identifier: MIT-0

// The shards of Sharded and Nested: how a key finds its shard, and how shards are locked, one at a
// time or all in order. The operations are in sharded.go and nested.go.

package safemap

import (
	"cmp"
	"hash/maphash"
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
)

// shards is a map in parts, untouched at first.
type shards[K comparable, P any] struct {
	table atomic.Pointer[table[K, P]] // nil until first needed
	count int                         // of shards; 0 is shardCount()
}

// table is what shards in use point to. The table itself never changes.
type table[K comparable, P any] struct {
	seeds  seeds // random, so that nobody can choose keys that meet in one shard
	hashes func(*seeds, K) uint64
	shards []shard[P] // a power of two of them
}

// shard is a lock and what it guards: a part, of four words.
type shard[P any] struct {
	mu      sync.Mutex
	loops   int32                             // under way; guarded by mu
	version atomic.Uint32                     // changes before the part does, while there are loops
	part    P                                 // guarded by mu
	_       [64 - 16 - 4*bits.UintSize/8]byte // shards do not share cache lines
}

func newTable[K comparable, P any](shards int) *table[K, P] {
	return &table[K, P]{newSeeds(), hashOf[K](), make([]shard[P], shards)}
}

// hashOf returns how keys are hashed. An unhashable one panics there, before any lock is taken.
func hashOf[K comparable]() func(*seeds, K) uint64 {
	for _, known := range []any{(*seeds).hashString, (*seeds).hashInt} {
		if f, ok := known.(func(*seeds, K) uint64); ok {
			return f
		}
	}
	return func(h *seeds, key K) uint64 { return maphash.Comparable(h.seed, key) }
}

// hash returns the hash of key.
func (t *table[K, P]) hash(key K) uint64 { return t.hashes(&t.seeds, key) }

// index returns which shard keys with that hash are in; shard returns it.
func (t *table[K, P]) index(hash uint64) int {
	return int(hash >> 32 * uint64(len(t.shards)) >> 32)
}

func (t *table[K, P]) shard(hash uint64) *shard[P] { return &t.shards[t.index(hash)] }

// ready returns the table, made on first use.
func (m *shards[K, P]) ready() *table[K, P] {
	for {
		if t := m.table.Load(); t != nil {
			return t
		}
		m.table.CompareAndSwap(nil, newTable[K, P](cmp.Or(m.count, shardCount())))
	}
}

// each yields the shards, none if m is nil or untouched. Their order is another one each time, so that
// a loop which takes the first entry, as one may of a Go map, does not always take the same one.
func (m *shards[K, P]) each() iter.Seq[*shard[P]] {
	return func(yield func(*shard[P]) bool) {
		if m == nil {
			return
		}
		if t := m.table.Load(); t != nil {
			at, step := anyOrder()
			for range t.shards {
				if !yield(&t.shards[at&uint(len(t.shards)-1)]) {
					return
				}
				at += step
			}
		}
	}
}

// changes is called, with the lock held, before a change.
func (s *shard[P]) changes() {
	if s.loops > 0 {
		s.version.Add(1)
	}
}

// unlock unlocks s, unless it is nil: then nothing was locked.
func (s *shard[P]) unlock() {
	if s != nil {
		s.mu.Unlock()
	}
}

// loop yields the entries of s, which copied appends to a slice: all that it found at first and that
// load, called with the lock held, finds still, with their current values. It holds no lock meanwhile;
// as long as the version stays, so did the entries. It reports whether the loop goes on, and returns
// buf, which it uses.
func loop[P any, K comparable, V any](s *shard[P], buf []entry[K, V], copied func(P, []entry[K, V]) []entry[K, V], load func(P, K) (V, bool), yield func(K, V) bool) ([]entry[K, V], bool) {
	s.mu.Lock()
	s.loops++
	version := s.version.Load()
	buf = copied(s.part, buf[:0])
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.loops--
		s.mu.Unlock()
	}()
	for i := range buf {
		e := &buf[i]
		value := e.value
		if s.version.Load() != version && e.key == e.key { // not NaN
			s.mu.Lock()
			var ok bool
			value, ok = load(s.part, e.key)
			s.mu.Unlock()
			if !ok {
				continue
			}
		}
		if !yield(e.key, value) {
			return buf, false
		}
	}
	return buf, true
}

// swap exchanges the parts of all shards for those in next. It takes all locks, in order, before it
// changes anything, so it is one atomic step.
func (t *table[K, P]) swap(next []P) {
	for i := range t.shards {
		t.shards[i].mu.Lock()
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.changes()
		next[i], s.part = s.part, next[i]
		s.mu.Unlock()
	}
}

// clear removes all entries, in one atomic step, and returns the shards' parts.
func (m *shards[K, P]) clear() []P {
	if m == nil {
		return nil
	}
	t := m.ready()
	parts := make([]P, len(t.shards))
	t.swap(parts)
	return parts
}

// reset makes m an untouched map again. It is not nil.
func (m *shards[K, P]) reset() {
	if t := m.table.Swap(nil); t != nil {
		t.swap(make([]P, len(t.shards)))
	}
}
