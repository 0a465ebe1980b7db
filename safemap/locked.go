// SPDX-License-Identifier: MIT-0

package safemap

import (
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
)

// Locked is a Go map with one read-write lock. Every operation, whole-map operations included, is
// one atomic step. Operations on one key are O(1). It is the choice for maps that are not hot, whose
// entries must be consistent with each other, or that are many and small.
type Locked[K comparable, V any] struct {
	_       noCopy
	mu      sync.RWMutex
	m       map[K]V       // guarded by mu; nil until first stored into
	loops   atomic.Int32  // under way; changes under mu, if only for reading
	version atomic.Uint32 // changes before m does, while there are loops
}

// NewLocked returns an empty map with room for about sizeHint entries.
func NewLocked[K comparable, V any](sizeHint ...int) *Locked[K, V] {
	size := 0
	for _, hint := range sizeHint {
		size = max(hint, 0)
	}
	return &Locked[K, V]{m: make(map[K]V, size)}
}

// LockedOf returns a new map with the entries of from, or nil if from is nil.
func LockedOf[K comparable, V any](from map[K]V) *Locked[K, V] {
	if from == nil {
		return nil
	}
	return &Locked[K, V]{m: maps.Clone(from)}
}

// read locks m for reading and returns its map; nil if m is nil: there is nothing to lock then.
func (m *Locked[K, V]) read() map[K]V {
	if m == nil {
		return nil
	}
	m.mu.RLock()
	return m.m
}

func (m *Locked[K, V]) endRead() {
	if m != nil {
		m.mu.RUnlock()
	}
}

// write locks m for changing it and returns its map; nil if m is nil: there is nothing to lock then.
func (m *Locked[K, V]) write() map[K]V {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	m.changes()
	return m.m
}

// changes is called, with the lock held, before a change.
func (m *Locked[K, V]) changes() {
	if m.loops.Load() > 0 {
		m.version.Add(1)
	}
}

// put is write for storing: the map is nil only if m is, and then storing panics as into any nil map.
func (m *Locked[K, V]) put() map[K]V {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	return m.made()
}

// made returns the map for storing, with the lock held.
func (m *Locked[K, V]) made() map[K]V {
	m.changes()
	if m.m == nil {
		m.m = make(map[K]V)
	}
	return m.m
}

func (m *Locked[K, V]) endWrite() {
	if m != nil {
		m.mu.Unlock()
	}
}

// Do calls f with the map itself, under the lock, for steps that no other method does in one. f must
// not keep the map. If m is nil, so is the map.
func (m *Locked[K, V]) Do(f func(map[K]V)) {
	if m == nil {
		f(nil)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.made())
}

// Load returns the value under key, and whether there is one.
func (m *Locked[K, V]) Load(key K) (V, bool) {
	if m == nil {
		return absent[V](key)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.m[key]
	return v, ok
}

// Get returns the value under key, zero if there is none.
func (m *Locked[K, V]) Get(key K) V {
	if m == nil {
		return map[K]V(nil)[key]
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.m[key]
}

// Store sets the value under key.
func (m *Locked[K, V]) Store(key K, value V) {
	if m == nil {
		mapStore(nil, key, value)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made()
	m.m[key] = value
}

// Delete removes key.
func (m *Locked[K, V]) Delete(key K) {
	if m == nil {
		delete(map[K]V(nil), key)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes()
	delete(m.m, key)
}

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (m *Locked[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	if m == nil {
		return mapLoadOrStore(nil, key, value)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return mapLoadOrStore(m.made(), key, value)
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f, called once, under the lock.
func (m *Locked[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	in := m.put()
	defer m.endWrite()
	return mapLoadOrCompute(in, key, f)
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (m *Locked[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	in := m.write()
	defer m.endWrite()
	return mapLoadAndDelete(in, key)
}

// Swap sets the value under key and returns the previous one, and whether there was one.
func (m *Locked[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	in := m.put()
	defer m.endWrite()
	return mapSwap(in, key, value)
}

// Update stores under key, and returns, what f makes of the value there (zero if there is none). f
// is called once, under the lock.
func (m *Locked[K, V]) Update(key K, f func(old V) V) V {
	if m == nil {
		return mapUpdate(nil, key, f)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return mapUpdate(m.made(), key, f)
}

// Compute calls f once, under the lock, with what Load would return, and does what the returned Op
// says. It returns what Load would return afterwards.
func (m *Locked[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	in := m.put()
	defer m.endWrite()
	return mapCompute(in, key, f)
}

// Len returns the number of entries.
func (m *Locked[K, V]) Len() int {
	in := m.read()
	defer m.endRead()
	return len(in)
}

// Clear removes all entries. It gives their memory back.
func (m *Locked[K, V]) Clear() {
	if m != nil {
		m.swap(nil)
	}
}

// Drain removes all entries and returns them.
func (m *Locked[K, V]) Drain() map[K]V {
	if m == nil {
		return nil
	}
	return m.swap(nil)
}

// ReplaceAll replaces all entries by those of with. It copies with.
func (m *Locked[K, V]) ReplaceAll(with map[K]V) {
	if m == nil {
		mapReplaceAll(nil, with)
		return
	}
	m.swap(maps.Clone(with))
}

// swap puts next, an empty map if nil, in the place of the map and returns that.
func (m *Locked[K, V]) swap(next map[K]V) map[K]V {
	if next == nil {
		next = make(map[K]V)
	}
	in := m.put()
	defer m.endWrite()
	m.m = next
	return in
}

// All iterates over the entries, copying them first; see the package comment. As long as the version
// stays, so did the entries.
func (m *Locked[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m == nil {
			return
		}
		entries, version := m.enter()
		defer m.loops.Add(-1)
		for i, e := range entries {
			if m.version.Load() != version {
				yieldLive(entries[i:], m.Load, yield)
				return
			}
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}

// enter begins a loop: it returns a copy of the entries and their version.
func (m *Locked[K, V]) enter() ([]entry[K, V], uint32) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.loops.Add(1)
	return appendEntries(make([]entry[K, V], 0, len(m.m)), m.m), m.version.Load()
}

// Keys is All without the values.
func (m *Locked[K, V]) Keys() iter.Seq[K] { return keysOf(m.All()) }

// Values is All without the keys.
func (m *Locked[K, V]) Values() iter.Seq[V] { return valuesOf(m.All()) }

// Snapshot returns a copy of the map; nil if m is nil or untouched.
func (m *Locked[K, V]) Snapshot() map[K]V {
	in := m.read()
	defer m.endRead()
	return maps.Clone(in)
}

// MarshalJSON encodes a snapshot.
func (m *Locked[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON adds the decoded entries, in one step; null resets m to its zero value.
func (m *Locked[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	if in != nil {
		m.Do(func(all map[K]V) { maps.Copy(all, in) })
	} else if err == nil && m != nil {
		m.mu.Lock()
		m.changes()
		m.m = nil
		m.mu.Unlock()
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *Locked[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, m.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (m *Locked[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }
