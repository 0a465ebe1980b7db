package cache

import (
	"sync"
	"time"
)

// Imitates etcd's leasing cache: iteration without the lock while entries come and go.

type lease struct{ until time.Time }

// Leases are locks with an end.
type Leases struct {
	mu      sync.RWMutex
	entries map[string]lease // racy
}

// NewLeases returns none.
func NewLeases() *Leases { return &Leases{entries: map[string]lease{}} }

// Acquire takes a lease.
func (l *Leases) Acquire(key string, ttl time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[key] = lease{time.Now().Add(ttl)}
}

// Release gives it back.
func (l *Leases) Release(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, key)
}

// Expired counts leases that are over.
func (l *Leases) Expired(now time.Time) int {
	n := 0
	for _, e := range l.entries {
		if e.until.Before(now) {
			n++
		}
	}
	return n
}
