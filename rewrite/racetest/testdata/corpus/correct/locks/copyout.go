package locks

import (
	"maps"
	"sync"
)

// Settings hand out copies only.
type Settings struct {
	mu sync.RWMutex
	kv map[string]string
}

// NewSettings returns none.
func NewSettings() *Settings { return &Settings{kv: map[string]string{}} }

// Set sets.
func (s *Settings) Set(k, v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kv[k] = v
}

// All returns a copy.
func (s *Settings) All() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.kv)
}
