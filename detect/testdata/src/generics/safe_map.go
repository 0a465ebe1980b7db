// Correct shape: a generic map type with its own mutex, all methods lock (home-made concurrent maps)
package generics

import "sync"

type safeMap[K comparable, V any] struct {
	mu sync.RWMutex
	m  map[K]V
}

func newSafeMap[K comparable, V any]() *safeMap[K, V] {
	return &safeMap[K, V]{m: make(map[K]V)}
}

func (s *safeMap[K, V]) Load(k K) (V, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.m[k]
	return v, ok
}

func (s *safeMap[K, V]) Store(k K, v V) {
	s.mu.Lock()
	s.m[k] = v
	s.mu.Unlock()
}

func (s *safeMap[K, V]) Range(f func(K, V) bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for k, v := range s.m {
		if !f(k, v) {
			return
		}
	}
}

func Hosts(names []string) (n int) {
	hosts := newSafeMap[string, int]()
	for i, name := range names {
		go hosts.Store(name, i)
	}
	hosts.Range(func(string, int) bool { n++; return true })
	return n
}
