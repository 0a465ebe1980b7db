// SPDX-License-Identifier: MIT-0

package safemap

import (
	"fmt"
	"iter"
	"maps"
	"sync"
)

// Nested is a concurrent map[K1]map[K2]V. It tells absent, nil and empty rows apart as the plain
// map does, and rows stay when they become empty. It is rows in shards: everything under one
// outer key is guarded by the lock of that key's shard, so every operation on one row, however
// large, is one atomic step.
//
// The plain map's inner := m[a] is a Row, a handle on the row itself: it stays attached to the row
// while others store into it, and is detached when the key is deleted or gets another row.
type Nested[K1, K2 comparable, V any] struct {
	_    noCopy
	rows shards[K1, rowIndex[K1, K2, V]]
}

// NewNested returns an empty map with room for about sizeHint rows.
func NewNested[K1, K2 comparable, V any](sizeHint ...int) *Nested[K1, K2, V] {
	return new(Nested[K1, K2, V]).sized(sizeHint)
}

// NewNestedLocked is NewNested with one lock for the whole map: Len, Snapshot and the key set of All
// are of one instant, and every operation blocks every other.
func NewNestedLocked[K1, K2 comparable, V any](sizeHint ...int) *Nested[K1, K2, V] {
	m := new(Nested[K1, K2, V])
	m.rows.count = 1
	return m.sized(sizeHint)
}

// sized makes the table of m, with room for a number of rows.
func (m *Nested[K1, K2, V]) sized(hints []int) *Nested[K1, K2, V] {
	t := m.rows.ready()
	for _, hint := range hints {
		for i := range t.shards {
			t.shards[i].part.grow(max(hint, 0) / len(t.shards))
		}
	}
	return m
}

// NestedOf returns a new map with copies of the rows of from, or nil if from is nil.
func NestedOf[K1, K2 comparable, V any](from map[K1]map[K2]V) *Nested[K1, K2, V] {
	if from == nil {
		return nil
	}
	return NewNested[K1, K2, V]().copyFrom(from)
}

// NestedLockedOf is NestedOf with one lock for the whole map, as NewNestedLocked has.
func NestedLockedOf[K1, K2 comparable, V any](from map[K1]map[K2]V) *Nested[K1, K2, V] {
	if from == nil {
		return nil
	}
	return NewNestedLocked[K1, K2, V]().copyFrom(from)
}

func (m *Nested[K1, K2, V]) copyFrom(from map[K1]map[K2]V) *Nested[K1, K2, V] {
	for a, row := range from {
		m.StoreRow(a, maps.Clone(row))
	}
	return m
}

// A spot is where the row under a key is, or would be: in a shard, which is locked. It is nowhere,
// and nothing is locked, in a nil map, and in an untouched one that is only read.
type spot[K1, K2 comparable, V any] struct {
	shard *shard[rowIndex[K1, K2, V]]
	slot  *rowSlot[K1, K2, V] // nil if the key is absent
	hash  uint64              // of the key
}

// get returns the spot of a for reading, and for changing what is in its row.
func (m *Nested[K1, K2, V]) get(a K1) spot[K1, K2, V] { return m.spot(a, false) }

// put returns the spot of a for storing.
func (m *Nested[K1, K2, V]) put(a K1) spot[K1, K2, V] { return m.spot(a, true) }

func (m *Nested[K1, K2, V]) spot(a K1, storing bool) (at spot[K1, K2, V]) {
	if m != nil {
		t := m.rows.table.Load()
		if t == nil && storing {
			t = m.rows.ready()
		}
		if t != nil {
			at.hash = t.hash(a) | 1
			at.shard = t.shard(at.hash)
			at.shard.mu.Lock()
			at.slot = at.shard.part.find(at.hash, a)
			return at
		}
	}
	hashable(a)
	return at
}

// row returns the row, nil if there is none or it is nil.
func (at spot[K1, K2, V]) row() map[K2]V {
	if at.slot == nil {
		return nil
	}
	return at.slot.row
}

// store sets the row under a, the spot's key. In a nil map it panics.
func (at spot[K1, K2, V]) store(a K1, row map[K2]V) {
	if at.shard == nil {
		mapStore(nil, a, row)
	}
	at.shard.changes()
	if at.slot != nil {
		at.slot.key, at.slot.row = a, row // the key, too: 0.0 and -0.0 are one
		return
	}
	at.shard.part.add(at.hash, a, row)
}

// rowFor returns the row under a, the spot's key, for storing under b, made if it is absent or nil.
func (at spot[K1, K2, V]) rowFor(a K1, b K2) map[K2]V {
	if row := at.row(); row != nil {
		return row
	}
	return at.newRow(a, b)
}

// newRow makes a row, but none for a b that is not hashable. It is seldom called, and kept out of line
// for the sake of what is called often.
//
//go:noinline
func (at spot[K1, K2, V]) newRow(a K1, b K2) map[K2]V {
	_ = map[K2]V(nil)[b]
	row := make(map[K2]V)
	at.store(a, row)
	return row
}

// delete removes the key, which is not absent.
func (at spot[K1, K2, V]) delete() {
	at.shard.changes()
	at.shard.part.remove(at.slot)
}

// hashable panics if key is not hashable, as a map does, before any lock is taken.
func hashable[K comparable](key K) {
	switch any(key).(type) {
	case string, int:
	default:
		_, _ = map[K]struct{}(nil)[key]
	}
}

// Load returns the value under b in the row under a, and whether there is one.
func (m *Nested[K1, K2, V]) Load(a K1, b K2) (V, bool) {
	hashable(b)
	at := m.get(a)
	v, ok := at.row()[b]
	at.shard.unlock()
	return v, ok
}

// Get returns the value under b in the row under a, zero if there is none.
func (m *Nested[K1, K2, V]) Get(a K1, b K2) V {
	hashable(b)
	at := m.get(a)
	v := at.row()[b]
	at.shard.unlock()
	return v
}

// Store sets the value under b in the row under a. It makes the row if that is absent or nil.
func (m *Nested[K1, K2, V]) Store(a K1, b K2, value V) {
	hashable(b)
	at := m.put(a)
	at.rowFor(a, b)[b] = value
	at.shard.unlock()
}

// StoreExisting is Store for rows that exist: m[a][b] = value. It panics, as the plain map does, if
// the row is absent or nil.
func (m *Nested[K1, K2, V]) StoreExisting(a K1, b K2, value V) {
	at := m.get(a)
	defer at.shard.unlock()
	at.row()[b] = value
}

// Delete removes b from the row under a. The row stays, empty or not.
func (m *Nested[K1, K2, V]) Delete(a K1, b K2) {
	hashable(b)
	at := m.get(a)
	delete(at.row(), b)
	at.shard.unlock()
}

// DeletePruning is Delete, and removes the row as well if nothing is left in it. It is one atomic
// step.
func (m *Nested[K1, K2, V]) DeletePruning(a K1, b K2) {
	hashable(b)
	at := m.get(a)
	defer at.shard.unlock()
	delete(at.row(), b)
	if at.slot != nil && len(at.slot.row) == 0 {
		at.delete()
	}
}

// LoadOrStore returns the value under b in the row under a if there is one; otherwise it stores and
// returns value, making the row if that is absent or nil.
func (m *Nested[K1, K2, V]) LoadOrStore(a K1, b K2, value V) (actual V, loaded bool) {
	hashable(b)
	at := m.put(a)
	actual, loaded = mapLoadOrStore(at.rowFor(a, b), b, value)
	at.shard.unlock()
	return actual, loaded
}

// LoadOrCompute returns the value under b in the row under a if there is one; otherwise it stores
// and returns the result of f, called once, under the lock, making the row if that is absent or nil.
func (m *Nested[K1, K2, V]) LoadOrCompute(a K1, b K2, f func() V) (actual V, loaded bool) {
	at := m.put(a)
	defer at.shard.unlock()
	if old, ok := at.row()[b]; ok {
		return old, true
	}
	value := f()
	at.rowFor(a, b)[b] = value
	return value, false
}

// LoadAndDelete removes b from the row under a and returns the value that was under it, and whether
// there was one. The row stays, empty or not.
func (m *Nested[K1, K2, V]) LoadAndDelete(a K1, b K2) (value V, loaded bool) {
	at := m.get(a)
	defer at.shard.unlock()
	return mapLoadAndDelete(at.row(), b)
}

// Update stores under b in the row under a, and returns, what f makes of the value there (zero if
// there is none). f is called once, under the lock. Then the row is made if it is absent or nil.
func (m *Nested[K1, K2, V]) Update(a K1, b K2, f func(old V) V) V {
	at := m.put(a)
	defer at.shard.unlock()
	value := f(at.row()[b])
	at.rowFor(a, b)[b] = value
	return value
}

// UpdateExisting is Update for rows that exist: m[a][b] = f(m[a][b]). It panics, as the plain map
// does, after calling f, if the row is absent or nil.
func (m *Nested[K1, K2, V]) UpdateExisting(a K1, b K2, f func(old V) V) V {
	at := m.get(a)
	defer at.shard.unlock()
	return mapUpdate(at.row(), b, f)
}

// Compute calls f once, under the lock, with what Load would return, and does what the returned Op
// says. Put makes the row if it is absent or nil. It returns what Load would return afterwards.
func (m *Nested[K1, K2, V]) Compute(a K1, b K2, f func(old V, loaded bool) (V, Op)) (V, bool) {
	at := m.put(a)
	defer at.shard.unlock()
	row := at.row()
	old, loaded := row[b]
	value, op := f(old, loaded)
	if op == Put {
		row = at.rowFor(a, b)
	}
	return mapCompute(row, b, func(V, bool) (V, Op) { return value, op })
}

// newRow returns the handle of a row in s, nil for a nil row.
func newRow[K1, K2 comparable, V any](s *shard[rowIndex[K1, K2, V]], row map[K2]V) *Row[K2, V] {
	if row == nil {
		return nil
	}
	return &Row[K2, V]{mu: &s.mu, m: row}
}

// Row returns the row under a, nil if it is absent or nil: inner := m[a].
func (m *Nested[K1, K2, V]) Row(a K1) *Row[K2, V] {
	row, _ := m.LoadRow(a)
	return row
}

// LoadRow returns the row under a, which may be nil, and whether the key is there: inner, ok := m[a].
func (m *Nested[K1, K2, V]) LoadRow(a K1) (row *Row[K2, V], ok bool) {
	at := m.get(a)
	defer at.shard.unlock()
	return newRow(at.shard, at.row()), at.slot != nil
}

// EnsureRow makes an empty row under a if it is absent or nil, and reports whether it did.
func (m *Nested[K1, K2, V]) EnsureRow(a K1) (created bool) {
	_, loaded := m.LoadOrCreateRow(a)
	return !loaded
}

// LoadOrCreateRow returns the row under a. If it is absent or nil, it makes an empty one.
func (m *Nested[K1, K2, V]) LoadOrCreateRow(a K1) (row *Row[K2, V], loaded bool) {
	at := m.put(a)
	defer at.shard.unlock()
	in := at.row()
	if loaded = in != nil; !loaded {
		in = make(map[K2]V)
		at.store(a, in)
	}
	return newRow(at.shard, in), loaded
}

// CreateRow is LoadOrCreateRow for those who need not know whether the row was there.
func (m *Nested[K1, K2, V]) CreateRow(a K1) *Row[K2, V] {
	row, _ := m.LoadOrCreateRow(a)
	return row
}

// StoreRow sets the row under a, nil or not, in place of the one it has: m[a] = row. The row belongs
// to m from then on: nobody may use it otherwise, nor store it a second time.
func (m *Nested[K1, K2, V]) StoreRow(a K1, row map[K2]V) {
	if m == nil {
		mapStore(nil, a, row)
	}
	at := m.put(a)
	defer at.shard.unlock()
	at.store(a, row)
}

// DeleteRow removes the row under a: delete(m, a). Its handles keep it, detached.
func (m *Nested[K1, K2, V]) DeleteRow(a K1) {
	at := m.get(a)
	defer at.shard.unlock()
	if at.slot != nil {
		at.delete()
	}
}

// DeleteRowIfEmpty removes a if its row is nil or empty, and reports whether it did. It is one
// atomic step.
func (m *Nested[K1, K2, V]) DeleteRowIfEmpty(a K1) (deleted bool) {
	at := m.get(a)
	defer at.shard.unlock()
	if at.slot == nil || len(at.slot.row) > 0 {
		return false
	}
	at.delete()
	return true
}

// RowLen returns the number of entries in the row under a: len(m[a]).
func (m *Nested[K1, K2, V]) RowLen(a K1) int {
	at := m.get(a)
	defer at.shard.unlock()
	return len(at.row())
}

// RowSnapshot returns a copy of the row under a, nil if it is absent or nil.
func (m *Nested[K1, K2, V]) RowSnapshot(a K1) map[K2]V {
	at := m.get(a)
	defer at.shard.unlock()
	return maps.Clone(at.row())
}

// RowAll iterates over the row that is under a when RowAll is called, as Row.All does.
func (m *Nested[K1, K2, V]) RowAll(a K1) iter.Seq2[K2, V] { return m.Row(a).All() }

// RowKeys is RowAll without the values.
func (m *Nested[K1, K2, V]) RowKeys(a K1) iter.Seq[K2] { return m.Row(a).Keys() }

// RowValues is RowAll without the keys.
func (m *Nested[K1, K2, V]) RowValues(a K1) iter.Seq[V] { return m.Row(a).Values() }

// DoRow calls f with the row under a itself, nil if it is absent or nil, under the lock, for steps
// that no other method does in one. f must not keep the row.
func (m *Nested[K1, K2, V]) DoRow(a K1, f func(row map[K2]V)) {
	at := m.get(a)
	defer at.shard.unlock()
	f(at.row())
}

// shards returns the shards of m, nil if m is nil.
func (m *Nested[K1, K2, V]) shards() *shards[K1, rowIndex[K1, K2, V]] {
	if m == nil {
		return nil
	}
	return &m.rows
}

// Len returns the number of rows: the sum over the shards, each counted at its own instant.
func (m *Nested[K1, K2, V]) Len() int {
	n := 0
	for s := range m.shards().each() {
		s.mu.Lock()
		n += s.part.used
		s.mu.Unlock()
	}
	return n
}

// Clear removes all rows, atomically. Their handles keep them, detached.
func (m *Nested[K1, K2, V]) Clear() { m.shards().clear() }

// All iterates over the rows, which may be nil; see the package comment.
func (m *Nested[K1, K2, V]) All() iter.Seq2[K1, *Row[K2, V]] {
	return func(yield func(K1, *Row[K2, V]) bool) {
		if m == nil {
			return
		}
		t := m.rows.table.Load()
		load := func(in rowIndex[K1, K2, V], a K1) (map[K2]V, bool) {
			at := in.find(t.hash(a)|1, a)
			if at == nil {
				return nil, false
			}
			return at.row, true
		}
		for s := range m.rows.each() {
			_, more := loop(s, nil, rowIndex[K1, K2, V].copied, load, func(a K1, row map[K2]V) bool {
				return yield(a, newRow(s, row))
			})
			if !more {
				return
			}
		}
	}
}

// Keys is All without the rows.
func (m *Nested[K1, K2, V]) Keys() iter.Seq[K1] { return keysOf(m.All()) }

// Rows is All without the keys.
func (m *Nested[K1, K2, V]) Rows() iter.Seq[*Row[K2, V]] { return valuesOf(m.All()) }

// Snapshot returns a deep copy, taken shard by shard; nil if m is nil or untouched.
func (m *Nested[K1, K2, V]) Snapshot() map[K1]map[K2]V {
	var all map[K1]map[K2]V
	for s := range m.shards().each() {
		if all == nil {
			all = make(map[K1]map[K2]V, m.Len())
		}
		s.mu.Lock()
		for _, e := range s.part.slots {
			if e.hash != 0 {
				all[e.key] = maps.Clone(e.row)
			}
		}
		s.mu.Unlock()
	}
	return all
}

// MarshalJSON encodes a snapshot.
func (m *Nested[K1, K2, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON stores the decoded rows, one by one; null resets m to its zero value.
func (m *Nested[K1, K2, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K1, map[K2]V](data)
	switch {
	case m != nil && in != nil:
		m.rows.ready()
	case m != nil && err == nil:
		m.rows.reset()
	}
	for a, row := range in {
		m.StoreRow(a, row)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *Nested[K1, K2, V]) Format(state fmt.State, verb rune) {
	formatMap(state, verb, m.Snapshot())
}

// String returns what fmt.Sprint gives for a snapshot.
func (m *Nested[K1, K2, V]) String() string { return fmt.Sprint(m.Snapshot()) }

// Row is a handle on one row of a Nested: what an inner map alias is to a map of maps. It is guarded
// by the lock of the shard that the row was found in, and goes on using it when the row is detached.
// A nil Row is a nil inner map. Rows have no zero value of use.
type Row[K comparable, V any] struct {
	mu *sync.Mutex
	m  map[K]V // guarded by mu, never nil
}

// lock locks r and returns its map; nil if r is nil: there is nothing to lock then.
func (r *Row[K, V]) lock() map[K]V {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	return r.m
}

func (r *Row[K, V]) unlock() {
	if r != nil {
		r.mu.Unlock()
	}
}

// Load returns the value under key, and whether there is one.
func (r *Row[K, V]) Load(key K) (V, bool) {
	in := r.lock()
	defer r.unlock()
	v, ok := in[key]
	return v, ok
}

// Get returns the value under key, zero if there is none.
func (r *Row[K, V]) Get(key K) V {
	in := r.lock()
	defer r.unlock()
	return in[key]
}

// Store sets the value under key.
func (r *Row[K, V]) Store(key K, value V) {
	in := r.lock()
	defer r.unlock()
	in[key] = value
}

// Delete removes key.
func (r *Row[K, V]) Delete(key K) {
	in := r.lock()
	defer r.unlock()
	delete(in, key)
}

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (r *Row[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	in := r.lock()
	defer r.unlock()
	return mapLoadOrStore(in, key, value)
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f, called once, under the lock.
func (r *Row[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	in := r.lock()
	defer r.unlock()
	return mapLoadOrCompute(in, key, f)
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (r *Row[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	in := r.lock()
	defer r.unlock()
	return mapLoadAndDelete(in, key)
}

// Update stores under key, and returns, what f makes of the value there (zero if there is none). f
// is called once, under the lock.
func (r *Row[K, V]) Update(key K, f func(old V) V) V {
	in := r.lock()
	defer r.unlock()
	return mapUpdate(in, key, f)
}

// Compute calls f once, under the lock, with what Load would return, and does what the returned Op
// says. It returns what Load would return afterwards.
func (r *Row[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	in := r.lock()
	defer r.unlock()
	return mapCompute(in, key, f)
}

// Len returns the number of entries.
func (r *Row[K, V]) Len() int {
	in := r.lock()
	defer r.unlock()
	return len(in)
}

// Clear removes all entries.
func (r *Row[K, V]) Clear() {
	in := r.lock()
	defer r.unlock()
	clear(in)
}

// All iterates over the entries, copying them first; see the package comment.
func (r *Row[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		yieldLive(r.entries(), r.Load, yield)
	}
}

func (r *Row[K, V]) entries() []entry[K, V] {
	in := r.lock()
	defer r.unlock()
	return appendEntries(make([]entry[K, V], 0, len(in)), in)
}

// Keys is All without the values.
func (r *Row[K, V]) Keys() iter.Seq[K] { return keysOf(r.All()) }

// Values is All without the keys.
func (r *Row[K, V]) Values() iter.Seq[V] { return valuesOf(r.All()) }

// Snapshot returns a copy of the row; nil if r is nil.
func (r *Row[K, V]) Snapshot() map[K]V {
	in := r.lock()
	defer r.unlock()
	return maps.Clone(in)
}

// MarshalJSON encodes a snapshot.
func (r *Row[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(r.Snapshot()) }

// UnmarshalJSON adds the decoded entries, in one step; null removes all.
func (r *Row[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	if in == nil && err == nil {
		r.Clear()
	}
	all := r.lock()
	defer r.unlock()
	maps.Copy(all, in)
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (r *Row[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, r.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (r *Row[K, V]) String() string { return fmt.Sprint(r.Snapshot()) }
