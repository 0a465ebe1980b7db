// Correct shape: the iterator over the map is drained into a slice inside the critical section (slices.Collect, slices.Sorted)
package escapes

import (
	"maps"
	"slices"
	"sync"
)

type ZoneSet struct {
	mu    sync.RWMutex
	zones map[string]int
}

func (s *ZoneSet) Add(z string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zones[z]++
}

func (s *ZoneSet) Remove(z string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.zones, z)
}

func (s *ZoneSet) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.zones))
}

func (s *ZoneSet) Busiest(n int) []string {
	s.mu.RLock()
	keys := slices.Collect(maps.Keys(s.zones))
	s.mu.RUnlock()
	return keys[:min(n, len(keys))]
}
