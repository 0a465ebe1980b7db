// SPDX-License-Identifier: MIT-0

package safemap

import (
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
)

// SyncMap is a typed sync.Map. It stores pointers to values, so any V will do, and two allocations
// are made for each store. Loads take no lock. Callbacks run with no lock held and may run more than
// once; they must have no effect but their result. Len is O(n).
//
// It is the choice for keys written once and read often, or used by disjoint sets of goroutines. Loops
// come in an order that stays as long as no keys are added: one that takes the first entry to spread
// work over all takes the same one each time.
type SyncMap[K comparable, V any] struct {
	_      noCopy
	made   atomic.Bool   // made by NewSyncMap or stored into, so not to be encoded as nil
	clears atomic.Uint32 // changes before all entries are removed at once
	m      sync.Map      // K → *V; what the pointer points to never changes
}

// NewSyncMap returns an empty map. The hint is not used: a sync.Map cannot be sized.
func NewSyncMap[K comparable, V any](sizeHint ...int) *SyncMap[K, V] {
	m := new(SyncMap[K, V])
	m.made.Store(true)
	return m
}

// SyncMapOf returns a new map with the entries of from, or nil if from is nil.
func SyncMapOf[K comparable, V any](from map[K]V) *SyncMap[K, V] {
	if from == nil {
		return nil
	}
	m := NewSyncMap[K, V]()
	for k, v := range from {
		m.Store(k, v)
	}
	return m
}

// find returns the pointer stored under key, nil if there is none. If m is nil it reads a nil map.
func (m *SyncMap[K, V]) find(key K) *V {
	if m == nil {
		return map[K]*V(nil)[key]
	}
	if p, ok := m.m.Load(key); ok {
		return p.(*V)
	}
	return nil
}

// put returns m for storing value under key. If m is nil it panics, as a nil map does.
func (m *SyncMap[K, V]) put(key K, value *V) *sync.Map {
	if m == nil {
		mapStore(nil, key, value)
	}
	if !m.made.Load() {
		m.made.Store(true)
	}
	return &m.m
}

// deref returns *p, or zero and false if p is nil.
func deref[V any](p *V) (V, bool) {
	if p == nil {
		var zero V
		return zero, false
	}
	return *p, true
}

// Load returns the value under key, and whether there is one.
func (m *SyncMap[K, V]) Load(key K) (value V, loaded bool) {
	if m != nil {
		if p, ok := m.m.Load(key); ok {
			return *p.(*V), true
		}
		return value, false
	}
	return deref(m.find(key))
}

// Get returns the value under key, zero if there is none.
func (m *SyncMap[K, V]) Get(key K) V {
	v, _ := m.Load(key)
	return v
}

// Store sets the value under key.
func (m *SyncMap[K, V]) Store(key K, value V) { m.put(key, &value).Store(key, &value) }

// Delete removes key.
func (m *SyncMap[K, V]) Delete(key K) { m.LoadAndDelete(key) }

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (m *SyncMap[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	if p := m.find(key); p != nil {
		return *p, true
	}
	p, loaded := m.put(key, &value).LoadOrStore(key, &value)
	return *p.(*V), loaded
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f. Of several calls at once more than one may call f, but only one result is stored,
// and all return it.
func (m *SyncMap[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	if p := m.find(key); p != nil {
		return *p, true
	}
	return m.LoadOrStore(key, f())
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (m *SyncMap[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	if m == nil {
		return deref(m.find(key))
	}
	p, _ := m.m.LoadAndDelete(key)
	old, _ := p.(*V)
	return deref(old)
}

// Swap sets the value under key and returns the previous one, and whether there was one.
func (m *SyncMap[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	p, _ := m.put(key, &value).Swap(key, &value)
	old, _ := p.(*V)
	return deref(old)
}

// Update stores under key, and returns, what f makes of the value there (zero if there is none). f
// is called again when another goroutine changed the value meanwhile.
func (m *SyncMap[K, V]) Update(key K, f func(old V) V) V {
	v, _ := m.Compute(key, func(old V, _ bool) (V, Op) { return f(old), Put })
	return v
}

// Compute calls f with what Load would return, and does what the returned Op says, unless another
// goroutine changed the value meanwhile: then it begins again. It returns what Load would return
// afterwards.
func (m *SyncMap[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	for {
		p := m.find(key)
		old, loaded := deref(p)
		value, op := f(old, loaded)
		switch {
		case op == Put && loaded:
			if m.m.CompareAndSwap(key, p, &value) {
				return value, true
			}
		case op == Put:
			if _, late := m.put(key, &value).LoadOrStore(key, &value); !late {
				return value, true
			}
		case op == Remove && loaded:
			if m.m.CompareAndDelete(key, p) {
				return deref[V](nil)
			}
		default:
			return old, loaded
		}
	}
}

// Len returns the number of entries. It visits all of them.
func (m *SyncMap[K, V]) Len() int {
	n := 0
	for range m.entries() {
		n++
	}
	return n
}

// Clear removes all entries, atomically.
func (m *SyncMap[K, V]) Clear() {
	if m != nil {
		m.made.Store(true)
		m.clear()
	}
}

// clear removes all entries. A loop of sync.Map comes to what was there when it began, so it is told.
func (m *SyncMap[K, V]) clear() {
	m.clears.Add(1)
	m.m.Clear()
}

// entries iterates over the entries as sync.Map.Range does.
func (m *SyncMap[K, V]) entries() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		if m != nil {
			m.m.Range(func(key, p any) bool { return yield(asKey[K](key), p.(*V)) })
		}
	}
}

// asKey undoes the conversion of a key to any; a nil interface key cannot be asserted.
func asKey[K comparable](key any) K {
	k, _ := key.(K)
	return k
}

// All iterates over the entries; see the package comment.
func (m *SyncMap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m == nil {
			return
		}
		clears := m.clears.Load()
		m.m.Range(func(k, p any) bool {
			key := asKey[K](k)
			if m.clears.Load() == clears {
				return yield(key, *p.(*V))
			}
			value, ok := m.Load(key)
			return !ok || yield(key, value)
		})
	}
}

// Keys is All without the values.
func (m *SyncMap[K, V]) Keys() iter.Seq[K] { return keysOf(m.All()) }

// Values is All without the keys.
func (m *SyncMap[K, V]) Values() iter.Seq[V] { return valuesOf(m.All()) }

// Snapshot returns a new map with the entries; nil if m is nil or untouched.
func (m *SyncMap[K, V]) Snapshot() map[K]V {
	if m == nil || !m.made.Load() {
		return nil
	}
	all := make(map[K]V)
	for key, p := range m.entries() {
		all[key] = *p
	}
	return all
}

// MarshalJSON encodes a snapshot.
func (m *SyncMap[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON adds the decoded entries, one by one; null removes all and leaves m as untouched.
func (m *SyncMap[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	if m != nil && (in != nil || err == nil) {
		if in == nil {
			m.clear()
		}
		m.made.Store(in != nil)
	}
	for k, v := range in {
		m.Store(k, v)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *SyncMap[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, m.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (m *SyncMap[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }
