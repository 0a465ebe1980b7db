package cache

import "sync"

// Imitates caches whose Len and Keys were added later, without the lock.

// LRU keeps the most recently used.
type LRU struct {
	mu    sync.Mutex
	max   int
	order []string
	items map[string]any // racy
}

// NewLRU returns a cache for max items.
func NewLRU(max int) *LRU { return &LRU{max: max, items: make(map[string]any, max)} }

// Add puts a value in.
func (c *LRU) Add(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[key]; !ok {
		c.order = append(c.order, key)
	}
	c.items[key] = value
	if len(c.order) > c.max {
		delete(c.items, c.order[0])
		c.order = c.order[1:]
	}
}

// Get takes one out.
func (c *LRU) Get(key string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.items[key]
	return v, ok
}

// Len counts.
func (c *LRU) Len() int { return len(c.items) }
