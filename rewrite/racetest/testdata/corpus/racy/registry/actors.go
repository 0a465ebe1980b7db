package registry

import "sync"

// Imitates dapr's activeTimersCount: a second lookup happens after the lock is released.

// Actors counts the timers of actors.
type Actors struct {
	mu     sync.RWMutex
	timers map[string]int // racy
}

// NewActors returns a table without timers.
func NewActors() *Actors { return &Actors{timers: make(map[string]int)} }

// Add counts a timer and returns how many there are now.
func (a *Actors) Add(kind string) int {
	a.mu.Lock()
	a.timers[kind]++
	a.mu.Unlock()
	return a.timers[kind]
}

// Remove counts one less.
func (a *Actors) Remove(kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timers[kind]--; a.timers[kind] <= 0 {
		delete(a.timers, kind)
	}
}
