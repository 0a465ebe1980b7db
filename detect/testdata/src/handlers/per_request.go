// Correct shape: the handler makes a struct with maps for each request and passes it down through helpers and interfaces
package handlers

import (
	"encoding/json"
	"net/http"
)

type requestScope struct {
	params map[string]string
	errs   map[string]error
}

type validator interface {
	validate(*requestScope)
}

type requireName struct{}

func (requireName) validate(s *requestScope) {
	if s.params["name"] == "" {
		s.errs["name"] = http.ErrMissingFile
	}
}

type formHandler struct{ checks []validator }

func (h *formHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &requestScope{params: map[string]string{}, errs: map[string]error{}}
	for k := range r.URL.Query() {
		s.params[k] = r.FormValue(k)
	}
	for _, c := range h.checks {
		c.validate(s)
	}
	if len(s.errs) > 0 {
		_ = json.NewEncoder(w).Encode(len(s.errs))
	}
}

func ServeForms() error {
	return http.ListenAndServe(":0", &formHandler{checks: []validator{requireName{}}})
}
