package registry

import "net/http"

// Imitates grpc-go's grpclog component cache: a constructor that any goroutine may call
// fills a package-level cache.

type component struct{ name string }

var components = map[string]*component{} // racy

// Component returns the logger of a component, the same one every time.
func Component(name string) *component {
	if c, ok := components[name]; ok {
		return c
	}
	c := &component{name}
	components[name] = c
	return c
}

// ServeLogs names the component that it logs for.
func ServeLogs(w http.ResponseWriter, r *http.Request) {
	w.Write([]byte(Component(r.FormValue("component")).name))
}

// Routes registers the handler.
func Routes(mux *http.ServeMux) { mux.HandleFunc("/logs", ServeLogs) }
