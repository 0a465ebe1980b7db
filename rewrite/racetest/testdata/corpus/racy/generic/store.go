package generic

import "sync"

// Imitates generic repositories.

// A Store keeps values by key.
type Store[K comparable, V any] struct {
	mu   sync.RWMutex
	data map[K]V // racy
}

// NewStore returns an empty store.
func NewStore[K comparable, V any]() *Store[K, V] { return &Store[K, V]{data: make(map[K]V)} }

// Put stores.
func (s *Store[K, V]) Put(k K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[k] = v
}

// Find returns the first match.
func (s *Store[K, V]) Find(match func(V) bool) (zero V, ok bool) {
	for _, v := range s.data {
		if match(v) {
			return v, true
		}
	}
	return zero, false
}
