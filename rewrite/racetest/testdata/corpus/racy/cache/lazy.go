package cache

import "net/http"

// Imitates a handler's template cache that is made on first use.

type renderer struct {
	compiled map[string][]byte // racy
}

// NewRenderer returns a handler.
func NewRenderer() http.Handler { return &renderer{} }

func (r *renderer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.compiled == nil {
		r.compiled = make(map[string][]byte)
	}
	page, ok := r.compiled[req.URL.Path]
	if !ok {
		page = []byte("<h1>" + req.URL.Path + "</h1>")
		r.compiled[req.URL.Path] = page
	}
	w.Write(page)
}
