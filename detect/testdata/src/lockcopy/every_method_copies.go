// Racy shape: all methods have value receivers, each locks a mutex of its own (first Go programs)
package lockcopy

import (
	"net/http"
	"sync"
)

type visitLog struct {
	mu    sync.RWMutex
	pages map[string]int
}

func (v visitLog) visit(p string) {
	v.mu.Lock()
	v.pages[p]++ // want `high unguarded: update of visitLog.pages under a copy of visitLog.mu only`
	v.mu.Unlock()
}

func (v visitLog) count(p string) int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.pages[p]
}

type visitHandler struct{ log visitLog }

func (h *visitHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.log.visit(r.URL.Path)
	if h.log.count(r.URL.Path) > 100 {
		http.Error(w, "enough", http.StatusTooManyRequests)
	}
}
