// Racy shape: slices.Sorted(maps.Keys(m)) outside the lock in a listing that looks harmless (tenant lists)
package reading

import (
	"maps"
	"slices"
	"sync"
)

type tenantRegistry struct {
	mu      sync.RWMutex
	tenants map[string]int64
}

func (r *tenantRegistry) touch(t string, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tenants[t] = now
}

func (r *tenantRegistry) lastSeen(t string) int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tenants[t]
}

func (r *tenantRegistry) evict(before int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.tenants, func(_ string, seen int64) bool { return seen < before })
}

func (r *tenantRegistry) List() []string {
	return slices.Sorted(maps.Keys(r.tenants)) // want `(medium|high) (iteration|partial): range of tenantRegistry.tenants without tenantRegistry.mu`
}

func (r *tenantRegistry) Run(seen <-chan string) {
	go func() {
		var now int64
		for t := range seen {
			now++
			if r.lastSeen(t) < now-1000 {
				r.evict(now - 1000)
			}
			r.touch(t, now)
		}
	}()
}
