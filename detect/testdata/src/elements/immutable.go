// Correct shape: elements are complete before they are stored and never change again (route tables)
package elements

import (
	"net/http"
	"sync"
)

type route struct {
	pattern string
	backend string
	weight  int
}

type Routes struct {
	mu     sync.RWMutex
	routes map[string]*route
}

func (t *Routes) Put(pattern, backend string, weight int) {
	r := &route{pattern: pattern}
	r.backend = backend
	r.weight = weight
	t.mu.Lock()
	t.routes[pattern] = r
	t.mu.Unlock()
}

func (t *Routes) find(pattern string) *route {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.routes[pattern]
}

func (t *Routes) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r := t.find(req.URL.Path); r != nil && r.weight > 0 {
		http.Redirect(w, req, r.backend, http.StatusFound)
	}
}
