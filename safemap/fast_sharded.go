// SPDX-License-Identifier: MIT-0

// # The fast core of Sharded
//
// The core of Sharded in this package is the fast one: reads take no lock, never wait and never
// write to shared memory; one-key operations on keys that are there do not allocate, if a value
// fits in a machine word. It relies on the argument below, and uses package unsafe in the places
// that the argument names. The operations are in this file and its siblings; their guarantees
// are those of the package comment, with one addition: callbacks may read the map that they are
// called from (Load, Get).
//
// A shard has a stripe, which its writers lock, and groups of slots, which its readers search. A
// group has one 64-bit tag word, and seven keys and seven cells. Seven bytes of the tag word are the
// tags of the slots: 0 is empty, 1 is dead, 0x80 and above is live and holds seven bits of the key's
// hash. The eighth byte holds marks: which bit of it is a key's mark depends on the hash. A key
// belongs into the first group, counted in a circle from the one that its hash names, that had an
// empty slot when the key came; the groups before it carry its mark.
//
// The groups of a shard are a part of one table for all shards while that is small, so that readers
// find a group without looking for a table first; growing it takes all locks. When it becomes large,
// or full of what was deleted, each shard gets its own table, which it replaces alone.
//
//  1. Only the holder of a stripe's mutex changes the groups of its shard or gives it others; only the
//     holder of all mutexes replaces the table of all shards.
//  2. A slot's key is written once, while its tag is empty, and published by the atomic store of the
//     tag word that makes the slot live. A reader compares a key only after an atomic load of a tag
//     word that shows the slot live. So the write happens before the read.
//  3. A slot never becomes empty again, and a dead one never live: a deleted key leaves its slot dead
//     until the table is replaced. So the key that a reader compares is the key that was live.
//  4. A cell is one word, and always accessed atomically: the value itself if it fits in a word
//     without pointers, or is a pointer (a map, channel or function is one); else a pointer to a
//     copy of the value that nobody changes. A reader that saw the slot live and then loads the
//     cell has the value of that moment; if the slot has died in between, the last one before:
//     the read takes effect just before the deletion. Deletion clears cells that are pointers, to
//     let go of the value, but only after the tag word says dead. So a reader that finds nil looks
//     again: if the slot is still live, nil is the value; otherwise the key was deleted
//     meanwhile, and "absent" takes effect just after that.
//  5. A reader gives up at the first group without the mark of its key. A group is marked only when
//     it is full, and by 3 stays full: the key cannot have come into one of the groups before after
//     the reader passed. Nor is it in a group further on at the load of the last tag word: marks are
//     stored before the key is published, and are never cleared. So at that moment it was nowhere.
//     A shard uses fewer slots than it has, so one of its groups is not full, and every search ends.
//  6. A table with no room is replaced by a larger or cleaner one that holds the live slots: filled
//     while nobody else sees it, and published by one atomic store. The old one never changes again.
//     A reader still in it loaded the pointer before the store, so what it finds was true at the
//     instant of the store, which lies within its call.
//  7. A reader looks at the pointer to the table of all shards, and if that is nil, at the pointer to
//     the array of the shards' own tables, which was stored before the nil was. Whoever stores one of
//     these pointers (to grow, to part the shards, and for Clear, Drain and ReplaceAll) holds all
//     mutexes, and makes the change by one atomic store: readers see all of it or none. 6 goes for
//     what the pointers led to before.
//  8. Hashing comes before locking, so an unhashable key panics with no mutex held; and == on keys
//     that could be hashed does not panic. Room for a new key is made before anything is decided
//     under its lock, and before a callback runs.
//
// Package unsafe serves to view a key of integer or string kind as that (fast_hash), a value of
// at most a word as a word (4), and to find a slot in a table, or a table in their array, without a
// bounds check: an index is always below the number of groups that the table itself begins with (6),
// or of shards, or seven.

package safemap

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"unsafe"
)

// FastSharded is a map split by key hash into shards. Reads take no lock and do not wait; changes of
// one key block changes in the same shard. Clear, Drain and ReplaceAll take all locks and are
// atomic; what reads the whole map visits shard after shard. An empty FastSharded takes less than
// 200 bytes, and one that was stored into 64 bytes and the space of seven entries per shard; deleted
// keys are held until as many changes have come to their shard as it has entries, and memory shrinks
// with the content. A map of a few thousand entries that grows blocks all its changes meanwhile.
type FastSharded[K comparable, V any] struct {
	_        noCopy
	table    atomic.Pointer[fastTable] // of all shards; nil until first stored into, and when each has its own
	views    atomic.Pointer[view]      // the first of as many as there are shards, where each has its own table
	hashing  hashing[K]
	cells    cellKind
	made     atomic.Bool // by NewFastSharded, or stored into: not to be encoded as nil
	hint     int         // number of entries to make room for at first
	shards   int         // number of stripes
	stripes  []stripe
	starting sync.Mutex // held to fill in, before table or views is set, what never changes then
}

// NewFastSharded returns an empty map with room for about sizeHint entries.
func NewFastSharded[K comparable, V any](sizeHint ...int) *FastSharded[K, V] {
	m := new(FastSharded[K, V])
	for _, hint := range sizeHint {
		m.hint = hint
	}
	m.made.Store(true)
	return m
}

// FastShardedOf returns a new map with the entries of from, or nil if from is nil.
func FastShardedOf[K comparable, V any](from map[K]V) *FastSharded[K, V] {
	if from == nil {
		return nil
	}
	m := NewFastSharded[K, V]()
	m.ReplaceAll(from)
	return m
}

// Load returns the value under key, and whether there is one.
func (m *FastSharded[K, V]) Load(key K) (V, bool) {
	if m == nil {
		return absent[V](key)
	}
	t := m.table.Load()
	if t == nil && m.views.Load() == nil {
		return absent[V](key)
	}
	// What hash and seek do, written out for frequent cases: calls cost as much as the search.
	var h uint64
	switch m.hashing.kind {
	case intKey:
		h = m.hashing.hashWord(asWord(key))
	case stringKey:
		k := key
		if s := *(*string)(unsafe.Pointer(&k)); len(s)-8 <= 8 && len(s) >= 8 {
			h = fold(fold(le64(s)^m.hashing.secret[0]^uint64(len(s)), le64(s[len(s)-8:])^m.hashing.secret[1]), mixer)
		} else {
			h = m.hashing.hashString(s)
		}
	default:
		h = maphash.Comparable(m.hashing.seed, key)
	}
	var i uint64
	if t != nil {
		i = uint64(uint32(h)) * uint64(t.groups) >> 32
	} else {
		t, i = m.own(h)
	}
	for want := liveTag(h) * everyByte; ; i = t.after(i) {
		tags := groupAt[K](t, i).tags.Load()
		for x := zeroTags(tags ^ want); x != 0; x &= x - 1 {
			g, j := groupAt[K](t, i), byteIndex(x)
			if *g.key(j) != key {
				continue
			}
			if m.cells != wordCell {
				return m.loadPointer(g, j)
			}
			w := atomic.LoadUintptr((*uintptr)(g.cell(j)))
			return *(*V)(unsafe.Pointer(&w)), true
		}
		if tags&mark(h) == 0 {
			return zero[V]()
		}
	}
}

// Get returns the value under key, zero if there is none.
func (m *FastSharded[K, V]) Get(key K) V {
	v, _ := m.Load(key)
	return v
}

// Store sets the value under key.
func (m *FastSharded[K, V]) Store(key K, value V) {
	if m == nil {
		mapStore(nil, key, value)
		return
	}
	// No deferred call: nothing here panics once the lock is held (8).
	s, h := m.lock(key)
	if at := m.find(s, h, key); at.found && m.cells == wordCell {
		m.setWord(at, value)
	} else {
		m.put(s, m.place(s, at, h, key), h, key, value)
	}
	s.mu.Unlock()
}

// Delete removes key.
func (m *FastSharded[K, V]) Delete(key K) { m.LoadAndDelete(key) }

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (m *FastSharded[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	if m == nil {
		return mapLoadOrStore(nil, key, value)
	}
	if old, ok := m.Load(key); ok {
		return old, true
	}
	s, h := m.lock(key)
	defer s.mu.Unlock()
	at := m.place(s, m.find(s, h, key), h, key)
	if at.found {
		return m.value(at), true
	}
	m.put(s, at, h, key, value)
	return value, false
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f, called once, under the shard's lock.
func (m *FastSharded[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	if m == nil {
		return mapLoadOrCompute(nil, key, f)
	}
	if old, ok := m.Load(key); ok {
		return old, true
	}
	s, h := m.lock(key)
	defer s.mu.Unlock()
	at := m.place(s, m.find(s, h, key), h, key)
	if at.found {
		return m.value(at), true
	}
	value := f()
	m.put(s, at, h, key, value)
	return value, false
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (m *FastSharded[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	if m == nil || m.untouched() {
		return absent[V](key)
	}
	s, h := m.lock(key)
	at, sparse := m.find(s, h, key), false
	if at.found {
		value = m.value(at)
		sparse = m.remove(s, at, h)
	}
	s.mu.Unlock()
	if sparse {
		m.reshape(h)
	}
	return value, at.found
}

// Swap sets the value under key and returns the previous one, and whether there was one.
func (m *FastSharded[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	if m == nil {
		return mapSwap(nil, key, value)
	}
	s, h := m.lock(key)
	defer s.mu.Unlock()
	at := m.place(s, m.find(s, h, key), h, key)
	if at.found {
		previous = m.value(at)
	}
	m.put(s, at, h, key, value)
	return previous, at.found
}

// Update stores under key, and returns, what f makes of the value there (zero if there is none). f
// is called once, under the shard's lock.
func (m *FastSharded[K, V]) Update(key K, f func(old V) V) V {
	if m == nil {
		return mapUpdate(nil, key, f)
	}
	s, h := m.lock(key)
	defer s.mu.Unlock()
	at := m.find(s, h, key)
	if at.found && m.cells == wordCell {
		value := f(m.word(at))
		m.setWord(at, value)
		return value
	}
	at = m.place(s, at, h, key)
	var old V
	if at.found {
		old = m.value(at)
	}
	value := f(old)
	m.put(s, at, h, key, value)
	return value
}

// Compute calls f once, under the shard's lock, with what Load would return, and does what the
// returned Op says. It returns what Load would return afterwards.
func (m *FastSharded[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	if m == nil {
		return mapCompute(nil, key, f)
	}
	h, value, loaded, sparse := m.compute(key, f)
	if sparse {
		m.reshape(h)
	}
	return value, loaded
}

// compute is Compute, but for reshaping a shard that became sparse.
func (m *FastSharded[K, V]) compute(key K, f func(old V, loaded bool) (V, Op)) (h uint64, value V, loaded, sparse bool) {
	s, h := m.lock(key)
	defer s.mu.Unlock()
	at := m.place(s, m.find(s, h, key), h, key)
	var old, zero V
	if at.found {
		old = m.value(at)
	}
	value, op := f(old, at.found)
	switch {
	case op == Put:
		m.put(s, at, h, key, value)
		return h, value, true, false
	case op == Remove && at.found:
		return h, zero, false, m.remove(s, at, h)
	}
	return h, old, at.found, false
}

// Clear removes all entries, atomically.
func (m *FastSharded[K, V]) Clear() {
	if m != nil {
		m.swap(m.empty(0), true)
	}
}

// Drain removes all entries, atomically, and returns them.
func (m *FastSharded[K, V]) Drain() map[K]V {
	if m == nil {
		return nil
	}
	all := make(map[K]V)
	for _, p := range m.swap(m.empty(0), true) {
		m.copyTo(all, p)
	}
	return all
}

// ReplaceAll replaces all entries by those of with, atomically. It copies with.
func (m *FastSharded[K, V]) ReplaceAll(with map[K]V) {
	if m == nil {
		mapReplaceAll(nil, with)
		return
	}
	l := m.empty(len(with))
	for k, v := range with {
		h := m.hashing.hash(k)
		i, _ := m.split(h)
		if p := &l.parts[i]; p.used == p.room {
			l = m.enlarge(l, int(i))
		}
		m.insert(&l.parts[i], h, k, v)
	}
	m.swap(l, true)
}
