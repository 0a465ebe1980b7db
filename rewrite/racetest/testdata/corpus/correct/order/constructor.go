package order

import "sync"

// A Router is built, then only read.
type Router struct {
	mu     sync.Mutex
	served int
	routes map[string]int
}

// NewRouter builds the table.
func NewRouter(paths ...string) *Router {
	r := &Router{routes: make(map[string]int, len(paths))}
	for i, p := range paths {
		r.routes[p] = i
	}
	return r
}

// Route looks up.
func (r *Router) Route(path string) int {
	r.mu.Lock()
	r.served++
	r.mu.Unlock()
	return r.routes[path]
}

// Serve looks up from goroutines.
func (r *Router) Serve(paths []string) {
	for _, p := range paths {
		go r.Route(p)
	}
}
