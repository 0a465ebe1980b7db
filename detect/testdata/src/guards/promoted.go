// Racy shape: lock and map are promoted from an embedded base, one method of the outer type skips the lock (controllers)
package guards

import "sync"

type baseController struct {
	mu    sync.Mutex
	known map[string]int
}

func (b *baseController) observe(k string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[k]++
}

func (b *baseController) forget(k string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, k)
}

type nodeController struct {
	baseController
	zone string
}

func (c *nodeController) lost(k string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[k] == 0
}

func (c *nodeController) resync(list func() []string) {
	for _, k := range list() {
		if _, ok := c.known[k]; !ok { // want `(medium|high) partial: read of baseController.known without baseController.mu in \(\*nodeController\).resync.*, which 3 of 4 accesses hold; `
			c.observe(k)
		}
	}
}

func (c *nodeController) Run(list func() []string, gone <-chan string) {
	go c.resync(list)
	for k := range gone {
		if !c.lost(k) {
			c.forget(k)
		}
	}
}
