package meter

import "sync"

// Imitates read-modify-write under a read lock.

// A Histogram counts durations by bucket.
type Histogram struct {
	mu      sync.RWMutex
	buckets map[int]uint64 // racy
}

// NewHistogram returns an empty one.
func NewHistogram() *Histogram { return &Histogram{buckets: map[int]uint64{}} }

// Observe counts one.
func (h *Histogram) Observe(ms int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.buckets[ms/10]++
}

// Count returns a bucket's.
func (h *Histogram) Count(bucket int) uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.buckets[bucket]
}

// Reset starts over.
func (h *Histogram) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.buckets)
}
