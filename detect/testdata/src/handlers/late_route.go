// Racy shape: a route is added by an admin handler to the map that all handlers read (runtime registration)
package handlers

import "net/http"

type pageSite struct {
	pages map[string][]byte
}

func (s *pageSite) add(path string, body []byte) {
	s.pages[path] = body // want `(medium|high) unguarded: write of pageSite.pages`
}

func (s *pageSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		s.add(r.URL.Path, []byte(r.FormValue("body")))
		return
	}
	body, ok := s.pages[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(body)
}

func RunPages() error {
	s := &pageSite{pages: map[string][]byte{}}
	s.add("/healthz", []byte("ok"))
	return http.ListenAndServe(":0", s)
}
