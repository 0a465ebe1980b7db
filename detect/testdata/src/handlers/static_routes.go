// Correct shape: the server's route map is filled by main's set-up code before Serve and only read by handlers
package handlers

import "net/http"

type staticSite struct {
	pages map[string][]byte // quiet confined
}

func (s *staticSite) add(path string, body []byte) {
	s.pages[path] = body
}

func (s *staticSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := s.pages[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(body)
}

func RunSite(files map[string][]byte) error {
	s := &staticSite{pages: map[string][]byte{}}
	for p, b := range files {
		s.add(p, b)
	}
	s.add("/healthz", []byte("ok"))
	srv := &http.Server{Handler: s}
	return srv.ListenAndServe()
}
