package steps

import "sync"

// A Tally imitates generic counters.
type Tally[K comparable] struct {
	mu sync.Mutex
	m  map[K]int // racy
}

// NewTally returns an empty one.
func NewTally[K comparable]() *Tally[K] { return &Tally[K]{m: map[K]int{}} }

// Add counts.
func (t *Tally[K]) Add(k K, n int) { t.m[k] += n }

// Reset starts over, under a lock that Add forgot.
func (t *Tally[K]) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.m)
}

// Serve counts from goroutines.
func (t *Tally[K]) Serve(keys []K) {
	for _, k := range keys {
		go t.Add(k, 1)
	}
}
