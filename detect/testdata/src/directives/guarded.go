// Racy shape: the declaration names the lock, and some accesses do not hold it (gVisor's checklocks, in a cache that is used from nowhere in sight)
package directives

import "sync"

// Cache is made for callers that nobody sees.
type Cache struct {
	mu    sync.RWMutex
	stats sync.Mutex
	items map[string]string //mapmigrate:guardedby mu
	order map[string]int    // +checklocks:mu
	free  map[string]int    //mapmigrate:guardedby c.mu
}

// NewCache fills before anybody knows.
func NewCache() *Cache {
	c := &Cache{items: map[string]string{}, order: map[string]int{}, free: map[string]int{}}
	c.items["a"] = "b"
	c.order["a"] = 1
	return c
}

func (c *Cache) Get(k string) string { return c.items[k] } // want `high partial: read of Cache.items without Cache.mu`

func (c *Cache) Put(k, v string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items[k] = v
	c.order[k]++
}

func (c *Cache) Touch(k string) {
	c.mu.RLock()
	c.order[k]++ // want `high read-lock-write`
	c.mu.RUnlock()
}

func (c *Cache) Forget(k string) {
	c.stats.Lock()
	delete(c.items, k) // want `high wrong-lock`
	c.stats.Unlock()
}

func (c *Cache) dropLocked(k string) { delete(c.items, k) }

func (c *Cache) Drop(k string) { c.mu.Lock(); c.dropLocked(k); c.mu.Unlock() }

func (c *Cache) Each(f func(string)) {
	for k := range c.items { // want `high iteration`
		f(k)
	}
}

func (c *Cache) Release(k string) { c.free[k]++ } // want `high unguarded`
