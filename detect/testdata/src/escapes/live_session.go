// Racy shape: a locked lookup returns a pointer to a struct, its attribute map is written without the lock (web sessions)
package escapes

import (
	"net/http"
	"sync"
)

type webSession struct {
	id    string
	attrs map[string]string
}

type Sessions struct {
	mu   sync.Mutex
	byID map[string]*webSession
}

func (s *Sessions) get(id string) *webSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	ws := s.byID[id]
	if ws == nil {
		ws = &webSession{id: id, attrs: map[string]string{}}
		s.byID[id] = ws
	}
	return ws
}

func (s *Sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws := s.get(r.FormValue("sid"))
	if lang := r.FormValue("lang"); lang != "" {
		ws.attrs["lang"] = lang // want `(medium|high) unguarded: write of webSession.attrs`
	}
	w.Header().Set("Content-Language", ws.attrs["lang"])
}
