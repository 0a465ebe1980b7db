// Correct shape: two critical sections that have nothing to do with each other: a lookup, then a write that does not depend on it
package checkact

import (
	"sync"
	"time"
)

type Heartbeats struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

func (h *Heartbeats) Beat(node string) {
	h.mu.Lock()
	h.seen[node] = time.Now()
	h.mu.Unlock()
}

func (h *Heartbeats) Alive(node string, within time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.seen[node]) < within
}

func (h *Heartbeats) Relay(nodes <-chan string, out chan<- string) {
	for n := range nodes {
		if h.Alive("leader", time.Second) {
			out <- n
		}
		h.Beat(n)
	}
}

func (h *Heartbeats) Start(nodes <-chan string, out chan<- string) {
	go h.Relay(nodes, out)
	go h.Relay(nodes, out)
}
