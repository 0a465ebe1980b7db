package locks

import "sync"

// A Counter is guarded by one mutex, everywhere.
type Counter struct {
	mu sync.Mutex
	n  map[string]int
}

// NewCounter returns zero.
func NewCounter() *Counter { return &Counter{n: map[string]int{}} }

// Add adds one.
func (c *Counter) Add(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[k]++
}

// Get reads.
func (c *Counter) Get(k string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[k]
}

// Serve adds from goroutines.
func (c *Counter) Serve(keys []string) {
	for _, k := range keys {
		go c.Add(k)
	}
}
