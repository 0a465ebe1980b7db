package web

import (
	"net/http"
	"sync"
)

// Imitates traefik's sticky balancer: health checks write under the lock, requests read
// outside it.

// A Balancer forwards to healthy backends.
type Balancer struct {
	mu     sync.RWMutex
	status map[string]struct{} // racy
	next   http.Handler
}

// NewBalancer returns a balancer in front of next.
func NewBalancer(next http.Handler) *Balancer {
	return &Balancer{status: make(map[string]struct{}), next: next}
}

// SetStatus is called by health checks.
func (b *Balancer) SetStatus(name string, up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if up {
		b.status[name] = struct{}{}
	} else {
		delete(b.status, name)
	}
}

// ServeHTTP honours the cookie of a sticky session.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("backend"); err == nil {
		if _, up := b.status[c.Value]; up {
			w.Header().Set("Backend", c.Value)
		}
	}
	b.next.ServeHTTP(w, r)
}
