// Correct shape: elements are found under the read lock and counted by atomic fields outside it (per-route metrics)
package elements

import (
	"net/http"
	"sync"
	"sync/atomic"
)

type routeStats struct {
	hits  atomic.Int64
	bytes atomic.Int64
}

type routeMetrics struct {
	mu     sync.RWMutex
	routes map[string]*routeStats
}

func (m *routeMetrics) stats(route string) *routeStats {
	m.mu.RLock()
	s, ok := m.routes[route]
	m.mu.RUnlock()
	if ok {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok = m.routes[route]; !ok {
		s = &routeStats{}
		m.routes[route] = s
	}
	return s
}

func (m *routeMetrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := m.stats(r.URL.Path)
	s.hits.Add(1)
	s.bytes.Add(r.ContentLength)
}
