// Racy shape: a helper that deletes expired entries is called from a reader that holds only RLock (ttl caches)
package wrong

import (
	"sync"
	"time"
)

type ttlEntry struct {
	val   string
	until time.Time
}

type ttlCache struct {
	mu      sync.RWMutex
	entries map[string]ttlEntry
}

// expire removes what is out of date. The caller holds c.mu.
func (c *ttlCache) expire(now time.Time) {
	for k, e := range c.entries {
		if now.After(e.until) {
			delete(c.entries, k) // want `(medium|high) read-lock-write: delete of ttlCache.entries`
		}
	}
}

func (c *ttlCache) put(k, v string, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[k] = ttlEntry{v, time.Now().Add(ttl)}
}

func (c *ttlCache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(time.Now())
}

func (c *ttlCache) Size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.expire(time.Now())
	return len(c.entries)
}

func (c *ttlCache) Fill(keys <-chan string) {
	go func() {
		for range time.Tick(time.Second) {
			c.sweep()
		}
	}()
	for k := range keys {
		c.put(k, k, time.Minute)
	}
}
