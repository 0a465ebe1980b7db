// Correct shape: a middleware holds one lock around the inner handler, whose map needs none of its own (single-threaded admin servers)
package guards

import (
	"net/http"
	"sync"
)

type serialised struct {
	mu    sync.Mutex
	inner *adminState
}

func (s *serialised) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inner.serve(w, r)
}

type adminState struct {
	jobs map[string]string
}

func (a *adminState) serve(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("job")
	switch r.Method {
	case http.MethodPost:
		a.jobs[id] = "queued"
	case http.MethodDelete:
		delete(a.jobs, id)
	default:
		_, _ = w.Write([]byte(a.jobs[id]))
	}
}

func ServeAdmin() error {
	h := &serialised{inner: &adminState{jobs: map[string]string{}}}
	return http.ListenAndServe("localhost:0", h)
}
