// Racy shape: a range-over-func method yields from the live map without the lock its writers take (Go 1.23 iterators)
package iterators

import (
	"iter"
	"sync"
)

type catalog struct {
	mu    sync.RWMutex
	items map[string]float64
}

func (c *catalog) all() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for k, p := range c.items { // want `(medium|high) (iteration|partial): range of catalog.items without catalog.mu`
			if !yield(k, p) {
				return
			}
		}
	}
}

func (c *catalog) set(k string, p float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items[k] = p
}

func (c *catalog) price(k string) float64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.items[k]
}

func (c *catalog) drop(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.items, k)
}

func (c *catalog) cheapest() (best string) {
	low := 0.0
	for k, p := range c.all() {
		if best == "" || p < low {
			best, low = k, p
		}
	}
	return best
}

func (c *catalog) Serve(queries <-chan string) {
	for range 2 {
		go func() {
			for q := range queries {
				if c.price(q) == 0 {
					c.set(q, 1)
				} else if q == c.cheapest() {
					c.drop(q)
				}
			}
		}()
	}
}
