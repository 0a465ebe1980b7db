package config

import "sync"

// Imitates configurations whose reload puts another map in place.

// Live is a configuration that can be reloaded.
type Live struct {
	mu     sync.Mutex
	values map[string]string // racy, not found
}

// NewLive returns an empty configuration.
func NewLive() *Live { return &Live{values: map[string]string{}} }

// Get returns a value.
func (l *Live) Get(key string) string { return l.values[key] }

// Reload replaces everything.
func (l *Live) Reload(from map[string]string) {
	fresh := make(map[string]string, len(from))
	for k, v := range from {
		fresh[k] = v
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = fresh
}

// Watch reloads in the background.
func (l *Live) Watch(updates <-chan map[string]string) {
	go func() {
		for u := range updates {
			l.Reload(u)
		}
	}()
}
