// Racy shape: an unexported-looking getter of one package hands the guarded map to another, which ranges over it in a handler (dapr, thanos)
package store

import "sync"

// A Store holds components.
type Store struct {
	mu    sync.RWMutex
	comps map[string]string
}

// New returns an empty store.
func New() *Store { return &Store{comps: map[string]string{}} }

// Add adds a component.
func (s *Store) Add(name, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comps[name] = kind
}

// Delete removes a component.
func (s *Store) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.comps, name)
}

// Components returns all components.
func (s *Store) Components() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.comps
}
