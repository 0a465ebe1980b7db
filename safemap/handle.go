// SPDX-License-Identifier: MIT-0

package safemap

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Handle is a MapProvider around another one that can be exchanged while in use (Switch). A nil
// Handle behaves as a nil map does, which a nil MapProvider cannot. Guarantees and costs are those
// of the provider behind it; reads pass with one atomic load more, other operations with a read
// lock, one of several, that only Switch takes for writing.
type Handle[K comparable, V any] struct {
	_        noCopy
	provider atomic.Pointer[MapProvider[K, V]] // nil until first stored into
	gates    [8]gate                           // an operation that may change the map holds one; Switch holds all
}

type gate struct {
	sync.RWMutex
	_ [40]byte // gates do not share cache lines
}

// NewHandle returns a handle around NewProvider(sizeHint...).
func NewHandle[K comparable, V any](sizeHint ...int) *Handle[K, V] {
	return handleTo(NewProvider[K, V](sizeHint...))
}

// HandleOf returns a handle around ProviderOf(from), or nil if from is nil.
func HandleOf[K comparable, V any](from map[K]V) *Handle[K, V] {
	if from == nil {
		return nil
	}
	return handleTo(ProviderOf(from))
}

func handleTo[K comparable, V any](p MapProvider[K, V]) *Handle[K, V] {
	h := new(Handle[K, V])
	h.provider.Store(&p)
	return h
}

// Switch copies all entries to another provider, which should be empty, and uses that from then on.
// It waits for changes under way and holds up new ones: none is lost. Reads go on. Nobody else may
// use either provider directly.
func (h *Handle[K, V]) Switch(to MapProvider[K, V]) {
	for i := range h.gates {
		h.gates[i].Lock()
		defer h.gates[i].Unlock()
	}
	for k, v := range h.read().All() {
		to.Store(k, v)
	}
	h.provider.Store(&to)
}

// read returns the provider for reading: a nil Sharded, which reads as empty, if there is none yet.
func (h *Handle[K, V]) read() MapProvider[K, V] {
	if h != nil {
		if p := h.provider.Load(); p != nil {
			return *p
		}
	}
	return (*Sharded[K, V])(nil)
}

// enter returns the provider for changing it, and the gate to leave by: a nil Sharded, which panics
// when it is stored into, if h is nil.
func (h *Handle[K, V]) enter() (MapProvider[K, V], *gate) {
	if h == nil {
		return (*Sharded[K, V])(nil), nil
	}
	g := &h.gates[rand.IntN(len(h.gates))]
	g.RLock()
	p := h.provider.Load()
	for ; p == nil; p = h.provider.Load() {
		var fresh MapProvider[K, V] = new(Sharded[K, V])
		h.provider.CompareAndSwap(nil, &fresh)
	}
	return *p, g
}

func (g *gate) leave() {
	if g != nil {
		g.RUnlock()
	}
}

// Load returns the value under key, and whether there is one.
func (h *Handle[K, V]) Load(key K) (V, bool) { return h.read().Load(key) }

// Get returns the value under key, zero if there is none.
func (h *Handle[K, V]) Get(key K) V { return h.read().Get(key) }

// Store sets the value under key.
func (h *Handle[K, V]) Store(key K, value V) {
	p, g := h.enter()
	defer g.leave()
	p.Store(key, value)
}

// Delete removes key.
func (h *Handle[K, V]) Delete(key K) {
	p, g := h.enter()
	defer g.leave()
	p.Delete(key)
}

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (h *Handle[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	p, g := h.enter()
	defer g.leave()
	return p.LoadOrStore(key, value)
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f, called as the provider calls it.
func (h *Handle[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	p, g := h.enter()
	defer g.leave()
	return p.LoadOrCompute(key, f)
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (h *Handle[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	p, g := h.enter()
	defer g.leave()
	return p.LoadAndDelete(key)
}

// Swap sets the value under key and returns the previous one, and whether there was one.
func (h *Handle[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	p, g := h.enter()
	defer g.leave()
	return p.Swap(key, value)
}

// Update stores under key, and returns, what f, called as the provider calls it, makes of the value
// there (zero if there is none).
func (h *Handle[K, V]) Update(key K, f func(old V) V) V {
	p, g := h.enter()
	defer g.leave()
	return p.Update(key, f)
}

// Compute calls f, as the provider calls it, with what Load would return, and does what the returned
// Op says. It returns what Load would return afterwards.
func (h *Handle[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	p, g := h.enter()
	defer g.leave()
	return p.Compute(key, f)
}

// Len returns the number of entries.
func (h *Handle[K, V]) Len() int { return h.read().Len() }

// Clear removes all entries.
func (h *Handle[K, V]) Clear() {
	p, g := h.enter()
	defer g.leave()
	p.Clear()
}

// All iterates over the entries of the provider that is in use when the loop begins. After a Switch
// it goes on with their values in the new one.
func (h *Handle[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if h == nil || h.provider.Load() == nil {
			return
		}
		p := h.provider.Load()
		for k, v := range (*p).All() {
			if h.provider.Load() != p {
				if !yieldLive([]entry[K, V]{{k, v}}, h.Load, yield) {
					return
				}
			} else if !yield(k, v) {
				return
			}
		}
	}
}

// Keys is All without the values.
func (h *Handle[K, V]) Keys() iter.Seq[K] { return keysOf(h.All()) }

// Values is All without the keys.
func (h *Handle[K, V]) Values() iter.Seq[V] { return valuesOf(h.All()) }

// Snapshot returns a new map with the entries; nil if h is nil or untouched.
func (h *Handle[K, V]) Snapshot() map[K]V { return h.read().Snapshot() }

// MarshalJSON encodes a snapshot.
func (h *Handle[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(h.Snapshot()) }

// UnmarshalJSON does what the provider's does; without one it adds the decoded entries, one by one,
// and null removes all.
func (h *Handle[K, V]) UnmarshalJSON(data []byte) error {
	p, g := h.enter()
	defer g.leave()
	if u, ok := p.(json.Unmarshaler); ok {
		return u.UnmarshalJSON(data)
	}
	in, err := unmarshalMap[K, V](data)
	if in == nil && err == nil {
		p.Clear()
	}
	for k, v := range in {
		p.Store(k, v)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (h *Handle[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, h.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (h *Handle[K, V]) String() string { return fmt.Sprint(h.Snapshot()) }
