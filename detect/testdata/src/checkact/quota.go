// Racy shape: a count read in one critical section and written back plus one in the next (rate limiters, lost update)
package checkact

import (
	"net/http"
	"sync"
)

type Quota struct {
	mu    sync.Mutex
	used  map[string]int
	limit int
}

func (q *Quota) usage(tenant string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used[tenant]
}

func (q *Quota) setUsage(tenant string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used[tenant] = n
}

func (q *Quota) Allow(tenant string) bool {
	n := q.usage(tenant)
	if n >= q.limit {
		return false
	}
	q.setUsage(tenant, n+1) // want `medium check-then-act: write of Quota.used`
	return true
}

func (q *Quota) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !q.Allow(r.Header.Get("X-Tenant")) {
		http.Error(w, "quota", http.StatusTooManyRequests)
	}
}
