// SPDX-License-Identifier: MIT-0

package safemap

import "maps"

// Sharded is a map split by key hash into shards, each a Go map with a mutex (see shards.go).
// Operations on one key are O(1) and block only keys of the same shard. Clear, Drain and ReplaceAll
// take all locks and are atomic; what reads the whole map (see sharded_views.go) visits shard after
// shard. An empty Sharded costs 64 bytes per shard.
type Sharded[K comparable, V any] struct {
	_  noCopy
	in shards[K, share[K, V]]
}

// share is what one shard of a Sharded holds.
type share[K comparable, V any] struct {
	m    map[K]V // nil until first stored into
	hint int     // size to make m with
	_    [2]int
}

// NewSharded returns an empty map with room for about sizeHint entries.
func NewSharded[K comparable, V any](sizeHint ...int) *Sharded[K, V] {
	m := new(Sharded[K, V])
	t := m.in.ready()
	for _, hint := range sizeHint {
		for i := range t.shards {
			t.shards[i].part.hint = max(hint, 0) / len(t.shards)
		}
	}
	return m
}

// ShardedOf returns a new map with the entries of from, or nil if from is nil.
func ShardedOf[K comparable, V any](from map[K]V) *Sharded[K, V] {
	if from == nil {
		return nil
	}
	m := NewSharded[K, V]()
	m.ReplaceAll(from)
	return m
}

// shards returns the shards of m, nil if m is nil.
func (m *Sharded[K, V]) shards() *shards[K, share[K, V]] {
	if m == nil {
		return nil
	}
	return &m.in
}

// get locks key's shard for reading and returns it with its map. If m is nil or untouched, both are
// nil: there is nothing to lock, and a nil map to read.
func (m *Sharded[K, V]) get(key K) (*shard[share[K, V]], map[K]V) {
	if m != nil {
		if t := m.in.table.Load(); t != nil {
			s := t.shard(t.hash(key))
			s.mu.Lock()
			return s, s.part.m
		}
	}
	return nil, nil
}

// cut is get for deleting.
func (m *Sharded[K, V]) cut(key K) (*shard[share[K, V]], map[K]V) {
	s, in := m.get(key)
	if s != nil {
		s.changes()
	}
	return s, in
}

// put locks key's shard for storing and returns it with its map. Only if m is nil both are nil: there
// is nothing to lock, and storing panics as into any nil map.
func (m *Sharded[K, V]) put(key K) (*shard[share[K, V]], map[K]V) {
	if m == nil {
		return nil, nil
	}
	t := m.in.table.Load()
	if t == nil {
		t = m.in.ready()
	}
	s := t.shard(t.hash(key))
	s.mu.Lock()
	s.changes()
	if s.part.m == nil {
		s.part.m = make(map[K]V, s.part.hint)
	}
	return s, s.part.m
}

// Load returns the value under key, and whether there is one.
func (m *Sharded[K, V]) Load(key K) (V, bool) {
	s, in := m.get(key)
	v, ok := in[key]
	s.unlock()
	return v, ok
}

// Get returns the value under key, zero if there is none.
func (m *Sharded[K, V]) Get(key K) V {
	s, in := m.get(key)
	v := in[key]
	s.unlock()
	return v
}

// Store sets the value under key.
func (m *Sharded[K, V]) Store(key K, value V) {
	s, in := m.put(key)
	in[key] = value
	s.unlock()
}

// Delete removes key.
func (m *Sharded[K, V]) Delete(key K) {
	s, in := m.cut(key)
	delete(in, key)
	s.unlock()
}

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (m *Sharded[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	s, in := m.put(key)
	actual, loaded = mapLoadOrStore(in, key, value)
	s.unlock()
	return actual, loaded
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f, called once, under the shard's lock.
func (m *Sharded[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	s, in := m.put(key)
	defer s.unlock()
	return mapLoadOrCompute(in, key, f)
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (m *Sharded[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	s, in := m.cut(key)
	value, loaded = mapLoadAndDelete(in, key)
	s.unlock()
	return value, loaded
}

// Swap sets the value under key and returns the previous one, and whether there was one.
func (m *Sharded[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	s, in := m.put(key)
	previous, loaded = mapSwap(in, key, value)
	s.unlock()
	return previous, loaded
}

// Update stores under key, and returns, what f makes of the value there (zero if there is none). f
// is called once, under the shard's lock.
func (m *Sharded[K, V]) Update(key K, f func(old V) V) V {
	s, in := m.put(key)
	defer s.unlock()
	return mapUpdate(in, key, f)
}

// Compute calls f once, under the shard's lock, with what Load would return, and does what the
// returned Op says. It returns what Load would return afterwards.
func (m *Sharded[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	s, in := m.put(key)
	defer s.unlock()
	return mapCompute(in, key, f)
}

// Clear removes all entries, atomically.
func (m *Sharded[K, V]) Clear() { m.shards().clear() }

// Drain removes all entries, atomically, and returns them.
func (m *Sharded[K, V]) Drain() map[K]V {
	if m == nil {
		return nil
	}
	all := make(map[K]V)
	for _, part := range m.in.clear() {
		maps.Copy(all, part.m)
	}
	return all
}

// ReplaceAll replaces all entries by those of with, atomically. It copies with.
func (m *Sharded[K, V]) ReplaceAll(with map[K]V) {
	if m == nil {
		mapReplaceAll(nil, with)
		return
	}
	t := m.in.ready()
	parts := make([]share[K, V], len(t.shards))
	for k, v := range with {
		p := &parts[t.index(t.hash(k))]
		if p.m == nil {
			p.m = make(map[K]V, len(with)/len(parts))
		}
		p.m[k] = v
	}
	t.swap(parts)
}
