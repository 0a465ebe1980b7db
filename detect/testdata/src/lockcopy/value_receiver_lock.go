// Racy shape: Inc has a value receiver, so that it locks a copy of the mutex and counts in the shared map (go vet's copylocks, ignored)
package lockcopy

import "sync"

type hitCounter struct {
	mu   sync.Mutex
	hits map[string]int
}

func (c hitCounter) Inc(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits[k]++ // want `high wrong-lock: update of hitCounter.hits in \(hitCounter\).Inc \(go .*\) holds a copy of hitCounter.mu but not hitCounter.mu`
}

func (c *hitCounter) Get(k string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits[k]
}

func (c *hitCounter) Reset(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hits, k)
}

func CountAll(c *hitCounter, in chan string) {
	for k := range in {
		go c.Inc(k)
	}
}
