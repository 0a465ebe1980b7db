// Correct shape: functional options fill the object's map before its goroutines exist (grpc and otel constructors)
package confine

import "net/http"

type gateway struct {
	headers map[string]string
	routes  map[string]http.Handler
}

type option func(*gateway)

func withHeader(k, v string) option {
	return func(g *gateway) { g.headers[k] = v }
}

func withRoute(path string, h http.Handler) option {
	return func(g *gateway) { g.routes[path] = h }
}

func newGateway(opts ...option) *gateway {
	g := &gateway{headers: map[string]string{}, routes: map[string]http.Handler{}}
	for _, o := range opts {
		o(g)
	}
	return g
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for k, v := range g.headers {
		w.Header().Set(k, v)
	}
	if h := g.routes[r.URL.Path]; h != nil {
		h.ServeHTTP(w, r)
	}
}

func Listen(addr string, h http.Handler) error {
	g := newGateway(withHeader("Server", "gw"), withRoute("/", h))
	return http.ListenAndServe(addr, g)
}
