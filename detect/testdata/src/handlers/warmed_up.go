// Racy shape: a handler serves one request by hand, to warm up, before it is registered
package handlers

import (
	"net/http"
	"net/http/httptest"
)

type warmed struct{ hits map[string]int }

func (s *warmed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.hits[r.URL.Path]++ // want `(medium|high) unguarded: update of warmed.hits`
}

func ServeWarm(addr string) error {
	s := &warmed{hits: map[string]int{}}
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	http.Handle("/", s)
	return http.ListenAndServe(addr, nil)
}
