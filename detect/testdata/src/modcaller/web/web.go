// Package web shows components.
package web

import (
	"fmt"
	"net/http"

	"cases/modcaller/store"
)

type page struct{ st *store.Store }

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		p.st.Delete(r.URL.Path)
		return
	}
	for name, kind := range p.st.Components() { // want `(medium|high) escape: range of Store.comps in \(\*page\).ServeHTTP`
		fmt.Fprintln(w, name, kind)
	}
}

// Listen serves the page.
func Listen(st *store.Store) error {
	st.Add("web", "page")
	return http.ListenAndServe(":0", &page{st})
}
