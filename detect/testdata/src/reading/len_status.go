// Racy shape: a handler decides by len of a set that another goroutine changes under its lock (traefik balancer status)
package reading

import (
	"net/http"
	"sync"
)

type balancer struct {
	mu       sync.RWMutex
	status   map[string]struct{}
	backends []http.Handler
}

func (b *balancer) setStatus(name string, up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.status)
	if up {
		b.status[name] = struct{}{}
	} else {
		delete(b.status, name)
	}
	if (before == 0) != (len(b.status) == 0) {
		b.notify()
	}
}

func (b *balancer) notify() {}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(b.status) == 0 { // want `(medium|high) partial: len of balancer.status without balancer.mu in \(\*balancer\).ServeHTTP.*, which 4 of 5 accesses hold; `
		http.Error(w, "no backend", http.StatusServiceUnavailable)
		return
	}
	b.backends[0].ServeHTTP(w, r)
}

type healthCheck struct{ b *balancer }

func (h *healthCheck) launch(names []string, ping func(string) bool) {
	for _, n := range names {
		go func() { h.b.setStatus(n, ping(n)) }()
	}
}

func Balance(names []string, ping func(string) bool) error {
	b := &balancer{status: map[string]struct{}{}}
	(&healthCheck{b}).launch(names, ping)
	return http.ListenAndServe(":0", b)
}
