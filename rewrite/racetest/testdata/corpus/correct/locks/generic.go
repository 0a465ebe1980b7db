package locks

import "sync"

// A Cache is generic, and locked.
type Cache[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]V
}

// NewCache returns an empty cache.
func NewCache[K comparable, V any]() *Cache[K, V] { return &Cache[K, V]{m: map[K]V{}} }

// GetOrMake makes a value, once.
func (c *Cache[K, V]) GetOrMake(k K, make func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.m[k]; ok {
		return v
	}
	v := make()
	c.m[k] = v
	return v
}

// Len counts.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}
