package generic

import "sync"

// Imitates generic sets that are said to be safe.

// A Set holds elements.
type Set[T comparable] struct {
	mu    sync.Mutex
	items map[T]struct{} // racy
}

// NewSet returns a set.
func NewSet[T comparable](items ...T) *Set[T] {
	s := &Set[T]{items: make(map[T]struct{})}
	for _, i := range items {
		s.items[i] = struct{}{}
	}
	return s
}

// Add adds an element and says whether it is new.
func (s *Set[T]) Add(item T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.items[item]; ok {
		return false
	}
	s.items[item] = struct{}{}
	return true
}

// Contains forgot the lock.
func (s *Set[T]) Contains(item T) bool {
	_, ok := s.items[item]
	return ok
}
