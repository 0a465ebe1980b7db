package locks

import (
	"errors"
	"sync"
)

// Names are taken once; every return unlocks.
type Names struct {
	mu    sync.Mutex
	taken map[string]bool
}

// NewNames returns free names.
func NewNames() *Names { return &Names{taken: map[string]bool{}} }

// Take takes a name.
func (n *Names) Take(name string) error {
	n.mu.Lock()
	if n.taken[name] {
		n.mu.Unlock()
		return errors.New("taken")
	}
	n.taken[name] = true
	n.mu.Unlock()
	return nil
}

// Free gives it back.
func (n *Names) Free(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.taken, name)
}

// Race takes a name from goroutines.
func (n *Names) Race(name string) {
	for range 3 {
		go n.Take(name)
	}
}
