package shapes

import "sync"

// A Set is locked in every method.
type Set struct {
	mu sync.Mutex
	m  map[string]struct{}
}

// NewSet returns an empty set.
func NewSet() *Set { return &Set{m: map[string]struct{}{}} }

// Add adds and says whether it is new.
func (s *Set) Add(k string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, dup := s.m[k]
	s.m[k] = struct{}{}
	return !dup
}

// Has looks.
func (s *Set) Has(k string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.m[k]
	return ok
}

// Remove removes.
func (s *Set) Remove(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, k)
}

// AddAll adds from goroutines.
func (s *Set) AddAll(keys []string) {
	for _, k := range keys {
		go s.Add(k)
	}
}
