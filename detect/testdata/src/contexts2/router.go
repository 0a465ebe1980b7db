// Correct shape: a router's exported Handle fills the table, which ServeHTTP only reads; users register before they serve (httprouter, gin, chi)
package contexts2

import "net/http"

// A Router dispatches by method and path. Register all handlers before serving.
type Router struct {
	routes map[string]map[string]http.Handler
	Missed http.Handler
}

// NewRouter returns an empty router.
func NewRouter() *Router {
	return &Router{routes: map[string]map[string]http.Handler{}, Missed: http.NotFoundHandler()}
}

// Handle registers a handler.
func (r *Router) Handle(method, path string, h http.Handler) {
	if r.routes[method] == nil {
		r.routes[method] = make(map[string]http.Handler)
	}
	r.routes[method][path] = h
}

// Get registers a handler for GET and HEAD.
func (r *Router) Get(path string, h http.Handler) {
	r.Handle(http.MethodGet, path, h)
	r.Handle(http.MethodHead, path, h)
}

func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	h, ok := r.routes[req.Method][req.URL.Path]
	if !ok {
		h = r.Missed
	}
	h.ServeHTTP(w, req)
}
