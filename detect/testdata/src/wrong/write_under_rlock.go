// Racy shape: a hit counter is bumped inside the read lock of a lookup (statistics in getters)
package wrong

import "sync"

type dnsCache struct {
	mu      sync.RWMutex
	records map[string]string
	hits    map[string]int
}

func (c *dnsCache) lookup(name string) (string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	r, ok := c.records[name]
	if ok {
		c.hits[name]++ // want `(medium|high) read-lock-write: update of dnsCache.hits`
	}
	return r, ok
}

func (c *dnsCache) store(name, rec string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[name] = rec
	c.hits[name] = 0
}

func (c *dnsCache) popular(least int) (out []string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for n, h := range c.hits {
		if h >= least {
			out = append(out, n)
		}
	}
	return out
}

func (c *dnsCache) Serve(queries <-chan string) {
	for range 8 {
		go func() {
			for q := range queries {
				if _, ok := c.lookup(q); !ok {
					c.store(q, "127.0.0.1")
				}
			}
		}()
	}
}
