// SPDX-License-Identifier: MIT-0

// What reads a FastSharded as a whole: loops, snapshots and encodings.

package safemap

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"unsafe"
)

// each yields the stripes with their indexes, none if m is nil or untouched. Their order is another one
// each time, so that a loop which takes the first entry, as one may of a Go map, does not always take
// the same one.
func (m *FastSharded[K, V]) each() iter.Seq2[int, *stripe] {
	return func(yield func(int, *stripe) bool) {
		if m != nil && !m.untouched() {
			at, step := anyOrder()
			for range m.stripes {
				i := int(at & uint(len(m.stripes)-1))
				if !yield(i, &m.stripes[i]) {
					return
				}
				at += step
			}
		}
	}
}

// Len returns the number of entries: the sum over the shards, each counted at its own instant.
func (m *FastSharded[K, V]) Len() int {
	n := 0
	for _, s := range m.each() {
		s.mu.Lock()
		n += s.live
		s.mu.Unlock()
	}
	return n
}

// All iterates over the entries, shard after shard; see the package comment. It remembers which
// slots of a shard are live when it comes to it.
func (m *FastSharded[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var tags []uint64
		for i, s := range m.each() {
			s.mu.Lock()
			p := s.part
			tags = tags[:0]
			for j := range p.groups {
				tags = append(tags, groupAt[K](p.table, p.first+j).tags.Load())
			}
			s.mu.Unlock()
			from, turn := rand.IntN(len(tags)), uint64(1)<<(8*rand.UintN(slots))-1
			for k := range tags {
				j := from + k
				if j >= len(tags) {
					j -= len(tags)
				}
				live := tags[j] & slotBits
				if !m.yieldLive(i, p.table, p.first+uint64(j), live&^turn, yield) || !m.yieldLive(i, p.table, p.first+uint64(j), live&turn, yield) {
					return
				}
			}
		}
	}
}

// yieldLive yields the entries in those slots of a group of t, which is shard i's, that are marked in
// live, if they are there still. It reports whether the loop goes on.
func (m *FastSharded[K, V]) yieldLive(i int, t *fastTable, at, live uint64, yield func(K, V) bool) bool {
	g := groupAt[K](t, at)
	for ; live != 0; live &= live - 1 {
		j := byteIndex(live)
		key := *g.key(j)
		var v V
		ok := g.tags.Load()>>(8*j)&0x80 != 0
		if ok && m.cells == wordCell {
			w := atomic.LoadUintptr((*uintptr)(g.cell(j)))
			v = *(*V)(unsafe.Pointer(&w))
		} else if ok {
			v, ok = m.loadPointer(g, j)
		}
		// A key may have come back in another slot; what is in another table only that one knows.
		if current := m.table.Load() == t || m.tableOf(i) == t; key == key && !(ok && current) {
			v, ok = m.Load(key)
		}
		if ok && !yield(key, v) {
			return false
		}
	}
	return true
}

// copyTo copies the entries of a part that does not change to all.
func (m *FastSharded[K, V]) copyTo(all map[K]V, p part) {
	for i := range p.groups {
		g := groupAt[K](p.table, p.first+i)
		for live := g.tags.Load() & slotBits; live != 0; live &= live - 1 {
			j := byteIndex(live)
			all[*g.key(j)] = m.value(slot[K]{g, j, true})
		}
	}
}

// Keys is All without the values.
func (m *FastSharded[K, V]) Keys() iter.Seq[K] { return keysOf(m.All()) }

// Values is All without the keys.
func (m *FastSharded[K, V]) Values() iter.Seq[V] { return valuesOf(m.All()) }

// Snapshot returns a new map with the entries, copied shard by shard; nil if m is nil or untouched.
func (m *FastSharded[K, V]) Snapshot() map[K]V {
	if m == nil || !m.made.Load() {
		return nil
	}
	all := make(map[K]V, m.Len())
	for _, s := range m.each() {
		s.mu.Lock()
		m.copyTo(all, s.part)
		s.mu.Unlock()
	}
	return all
}

// MarshalJSON encodes a snapshot.
func (m *FastSharded[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON adds the decoded entries, one by one; null resets m to its zero value.
func (m *FastSharded[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	switch {
	case m != nil && in != nil:
		m.made.Store(true)
	case m != nil && err == nil:
		m.swap(m.empty(0), false)
	}
	for k, v := range in {
		m.Store(k, v)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *FastSharded[K, V]) Format(state fmt.State, verb rune) {
	formatMap(state, verb, m.Snapshot())
}

// String returns what fmt.Sprint gives for a snapshot.
func (m *FastSharded[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }
