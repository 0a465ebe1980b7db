package locks

import "sync"

// A Store's helpers rely on the lock that their callers hold.
type Store struct {
	mu   sync.Mutex
	data map[string][]byte
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{data: map[string][]byte{}} }

func (s *Store) get(k string) []byte { return s.data[k] }

func (s *Store) set(k string, v []byte) { s.data[k] = v }

// Append appends.
func (s *Store) Append(k string, v []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(k, append(s.get(k), v...))
}

// Size is the length of a value.
func (s *Store) Size(k string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.get(k))
}

// Fill appends from goroutines.
func (s *Store) Fill(keys []string) {
	for _, k := range keys {
		go s.Append(k, []byte(k))
	}
}
