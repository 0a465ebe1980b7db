// Correct shape: check and act inside one critical section, through helpers that expect the lock (rate limiters)
package checkact

import (
	"net/http"
	"sync"
)

type Reservations struct {
	mu    sync.Mutex
	held  map[string]int
	limit int
}

// usedLocked must be called with r.mu held.
func (r *Reservations) usedLocked(tenant string) int { return r.held[tenant] }

// takeLocked must be called with r.mu held.
func (r *Reservations) takeLocked(tenant string) { r.held[tenant]++ }

func (r *Reservations) Take(tenant string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.usedLocked(tenant) >= r.limit {
		return false
	}
	r.takeLocked(tenant)
	return true
}

func (r *Reservations) Release(tenant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[tenant]--; r.held[tenant] <= 0 {
		delete(r.held, tenant)
	}
}

func (r *Reservations) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := req.Header.Get("X-Tenant")
	if !r.Take(t) {
		http.Error(w, "busy", http.StatusTooManyRequests)
		return
	}
	defer r.Release(t)
}
