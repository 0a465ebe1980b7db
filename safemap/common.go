// SPDX-License-Identifier: MIT-0

package safemap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
)

// Op is what the callback of Compute wants done with the key.
type Op int

const (
	Keep   Op = iota // leave the map as it is: an absent key stays absent
	Put              // store the returned value
	Remove           // delete the key
)

// noCopy makes go vet report copies of the types that hold it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// The functions below are the compound operations on a plain map whose lock the caller holds. A nil
// map reads as empty and panics when it is stored into, because it is one.

func mapStore[K comparable, V any](m map[K]V, key K, value V) { m[key] = value }

func mapLoadOrStore[K comparable, V any](m map[K]V, key K, value V) (actual V, loaded bool) {
	if old, ok := m[key]; ok {
		return old, true
	}
	m[key] = value
	return value, false
}

func mapLoadOrCompute[K comparable, V any](m map[K]V, key K, f func() V) (actual V, loaded bool) {
	if old, ok := m[key]; ok {
		return old, true
	}
	value := f()
	m[key] = value
	return value, false
}

func mapLoadAndDelete[K comparable, V any](m map[K]V, key K) (V, bool) {
	old, ok := m[key]
	delete(m, key)
	return old, ok
}

func mapSwap[K comparable, V any](m map[K]V, key K, value V) (previous V, loaded bool) {
	old, ok := m[key]
	m[key] = value
	return old, ok
}

func mapUpdate[K comparable, V any](m map[K]V, key K, f func(old V) V) V {
	value := f(m[key])
	m[key] = value
	return value
}

func mapReplaceAll[K comparable, V any](m, with map[K]V) {
	clear(m)
	maps.Copy(m, with)
}

func mapCompute[K comparable, V any](m map[K]V, key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	old, loaded := m[key]
	value, op := f(old, loaded)
	switch op {
	case Put:
		m[key] = value
		return value, true
	case Remove:
		delete(m, key)
		var zero V
		return zero, false
	}
	return old, loaded
}

// absent returns what a map without entries does for key, which panics if it is not hashable.
func absent[V any, K comparable](key K) (V, bool) {
	v, ok := map[K]V(nil)[key]
	return v, ok
}

// entry is one key and its value, copied out of a map for iteration.
type entry[K comparable, V any] struct {
	key   K
	value V
}

func appendEntries[K comparable, V any](entries []entry[K, V], m map[K]V) []entry[K, V] {
	for k, v := range m {
		entries = append(entries, entry[K, V]{k, v})
	}
	return entries
}

// yieldLive yields the entries whose keys load still finds, with the values it finds. It is called
// with no lock held. It reports whether the loop goes on.
func yieldLive[K comparable, V any](entries []entry[K, V], load func(K) (V, bool), yield func(K, V) bool) bool {
	for _, e := range entries {
		value := e.value
		if e.key == e.key { // not NaN
			var ok bool
			if value, ok = load(e.key); !ok {
				continue
			}
		}
		if !yield(e.key, value) {
			return false
		}
	}
	return true
}

func keysOf[K, V any](all iter.Seq2[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		all(func(k K, _ V) bool { return yield(k) })
	}
}

func valuesOf[K, V any](all iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		all(func(_ K, v V) bool { return yield(v) })
	}
}

// marshalMap encodes a snapshot. It leaves <, > and & alone: the encoder that called MarshalJSON
// escapes them or not, as it was told to, just as for a plain map.
func marshalMap(snapshot any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(snapshot); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// unmarshalMap decodes data as a plain map of its own: nil for null. As for plain maps, entries may
// come with an error.
func unmarshalMap[K comparable, V any](data []byte) (map[K]V, error) {
	var m map[K]V
	err := json.Unmarshal(data, &m)
	return m, err
}

// formatMap prints a snapshot under the verb and flags that Format was called with.
func formatMap(state fmt.State, verb rune, snapshot any) {
	fmt.Fprintf(state, fmt.FormatString(state, verb), snapshot)
}
