package order

import "net/http"

var mimeTypes = map[string]string{".txt": "text/plain"}

func init() {
	mimeTypes[".html"] = "text/html"
}

// TypeOf is a handler that only reads.
func TypeOf(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", mimeTypes[r.URL.Path])
}

// Routes registers it.
func Routes(mux *http.ServeMux) { mux.HandleFunc("/type", TypeOf) }
