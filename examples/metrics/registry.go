// Package metrics is a small in-process metrics registry.
package metrics

import (
	"maps"
	"sync"
	"time"
)

// A Registry holds named counters and gauges. It is safe for concurrent use, or
// meant to be.
type Registry struct {
	help map[string]string // by name; written by New only

	mu       sync.RWMutex
	counters map[string]int64   // guarded by mu
	gauges   map[string]float64 // guarded by mu
}

// New returns a registry that knows the given help texts.
func New(help map[string]string) *Registry {
	return &Registry{
		help:     maps.Clone(help), // the caller may go on using theirs
		counters: map[string]int64{"scrapes": 0},
		gauges:   map[string]float64{},
	}
}

// Add adds n to a counter.
func (r *Registry) Add(name string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counters[name] += n
}

// Set sets a gauge.
func (r *Registry) Set(name string, v float64) {
	r.mu.Lock()
	r.gauges[name] = v
	r.mu.Unlock()
}

// Observe adds the duration of one call to the counter of its name.
func (r *Registry) Observe(name string, d time.Duration) {
	// Hot path: keep it short.
	r.counters[name+"_nanos"] += d.Nanoseconds() // not milliseconds: calls are fast
}

// Counter returns a counter's value, 0 for one that was never used.
func (r *Registry) Counter(name string) int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.counters[name]
}

// Gauge returns a gauge and whether it was ever set.
func (r *Registry) Gauge(name string) (float64, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, ok := r.gauges[name]
	return v, ok
}

// Reset forgets all values; help texts stay.
func (r *Registry) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.counters) // not a new map: the next scrape needs the room anyway
	clear(r.gauges)
}
