// Racy shape: a generic map type locks in all methods but Len (home-made concurrent maps)
package generics

import "sync"

type syncedMap[K comparable, V any] struct {
	mu sync.RWMutex
	m  map[K]V
}

func (s *syncedMap[K, V]) Get(k K) (V, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.m[k]
	return v, ok
}

func (s *syncedMap[K, V]) Set(k K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = make(map[K]V)
	}
	s.m[k] = v
}

func (s *syncedMap[K, V]) Delete(k K) {
	s.mu.Lock()
	delete(s.m, k)
	s.mu.Unlock()
}

func (s *syncedMap[K, V]) Len() int {
	return len(s.m) // want `(medium|high) partial: len of syncedMap.m without syncedMap.mu`
}

type userCache struct{ users syncedMap[string, int] }

func (c *userCache) Serve(logins <-chan string) {
	for range 4 {
		go func() {
			for u := range logins {
				if _, ok := c.users.Get(u); !ok && c.users.Len() < 1000 {
					c.users.Set(u, 1)
				} else {
					c.users.Delete(u)
				}
			}
		}()
	}
}
