package worker

import (
	"net/http"
	"sync"
	"time"
)

// Imitates the expiry loops of in-memory caches and nonce stores: a literal that the
// constructor starts, and that forgets the lock which the methods take.

// A Nonces remembers what has been used.
type Nonces struct {
	mu   sync.Mutex
	used map[string]time.Time // racy, not found
	quit chan struct{}
}

// NewNonces returns an empty memory, which sweeps until Close.
func NewNonces(ttl time.Duration) *Nonces {
	n := &Nonces{used: map[string]time.Time{}, quit: make(chan struct{})}
	go func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-n.quit:
				return
			case now := <-tick.C:
				for id, at := range n.used {
					if now.Sub(at) > ttl {
						delete(n.used, id)
					}
				}
			}
		}
	}()
	return n
}

// Use reports whether a nonce is new, and remembers it.
func (n *Nonces) Use(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.used[id]; ok {
		return false
	}
	n.used[id] = time.Now()
	return true
}

// ServeHTTP refuses nonces that were used.
func (n *Nonces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !n.Use(r.Header.Get("Nonce")) {
		w.WriteHeader(http.StatusConflict)
	}
}

// Close ends the sweeping.
func (n *Nonces) Close() { close(n.quit) }
