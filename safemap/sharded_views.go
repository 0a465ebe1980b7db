// SPDX-License-Identifier: MIT-0

// What reads a Sharded as a whole: loops, snapshots and encodings.

package safemap

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Len returns the number of entries: the sum over the shards, each counted at its own instant.
func (m *Sharded[K, V]) Len() int {
	n := 0
	for s := range m.shards().each() {
		s.mu.Lock()
		n += len(s.part.m)
		s.mu.Unlock()
	}
	return n
}

// All iterates over the entries, copying one shard at a time; see the package comment.
func (m *Sharded[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var buf []entry[K, V]
		more := true
		for s := range m.shards().each() {
			if buf, more = loop(s, buf, share[K, V].copied, share[K, V].load, yield); !more {
				return
			}
		}
	}
}

func (in share[K, V]) copied(buf []entry[K, V]) []entry[K, V] {
	return appendEntries(slices.Grow(buf, len(in.m)), in.m)
}

func (in share[K, V]) load(key K) (V, bool) {
	v, ok := in.m[key]
	return v, ok
}

// Keys is All without the values.
func (m *Sharded[K, V]) Keys() iter.Seq[K] { return keysOf(m.All()) }

// Values is All without the keys.
func (m *Sharded[K, V]) Values() iter.Seq[V] { return valuesOf(m.All()) }

// Snapshot returns a new map with the entries, copied shard by shard; nil if m is nil or untouched.
func (m *Sharded[K, V]) Snapshot() map[K]V {
	var all map[K]V
	for s := range m.shards().each() {
		if all == nil {
			all = make(map[K]V, m.Len())
		}
		s.mu.Lock()
		maps.Copy(all, s.part.m)
		s.mu.Unlock()
	}
	return all
}

// MarshalJSON encodes a snapshot.
func (m *Sharded[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON adds the decoded entries, one by one; null resets m to its zero value.
func (m *Sharded[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	switch {
	case m != nil && in != nil:
		m.in.ready()
	case m != nil && err == nil:
		m.in.reset()
	}
	for k, v := range in {
		m.Store(k, v)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *Sharded[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, m.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (m *Sharded[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }
