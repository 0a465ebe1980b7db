// Correct shape: the value is computed outside and stored only if the generation counter read before is unchanged (optimistic caches)
package checkact

import "sync"

type optimisticCache struct {
	mu   sync.Mutex
	gen  int
	vals map[string]string
}

func (c *optimisticCache) get(k string, load func(string) string) string {
	for {
		c.mu.Lock()
		v, ok := c.vals[k]
		gen := c.gen
		c.mu.Unlock()
		if ok {
			return v
		}
		v = load(k)
		c.mu.Lock()
		if c.gen == gen {
			c.vals[k] = v
			c.gen++
			c.mu.Unlock()
			return v
		}
		c.mu.Unlock()
	}
}

func (c *optimisticCache) invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.vals)
	c.gen++
}

func (c *optimisticCache) Fill(keys []string, load func(string) string) {
	for _, k := range keys {
		go c.get(k, load)
	}
	c.invalidate()
}
