// Package recount: an element is read again beside its update. Only the read that the update
// is made of belongs to it.
package recount

import (
	"net/http"
	"sync"
)

type counter struct {
	mu sync.Mutex
	m  map[string]int
}

func (c *counter) put(k string, v int) { c.mu.Lock(); defer c.mu.Unlock(); c.m[k] = v }

func (c *counter) get(k string) int { c.mu.Lock(); defer c.mu.Unlock(); return c.m[k] }

func (c *counter) drop(k string) { c.mu.Lock(); defer c.mu.Unlock(); delete(c.m, k) }

func (c *counter) inc(k string) int {
	c.mu.Lock()
	c.m[k]++
	c.mu.Unlock()
	return c.m[k] // want `read of counter.m without counter.mu in`
}

var c = &counter{m: map[string]int{}}

func init() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		k := r.URL.Path
		c.put(k, 1)
		c.get(k)
		c.drop(k)
		c.inc(k)
	})
}
