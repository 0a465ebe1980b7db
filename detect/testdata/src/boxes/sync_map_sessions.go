// Racy shape: sessions lie in a sync.Map, their attribute maps are plain (chat servers)
package boxes

import (
	"net/http"
	"sync"
)

type chatSession struct {
	attrs map[string]string
}

type chatServer struct {
	sessions sync.Map // id → *chatSession
}

func (s *chatServer) open(id string) { s.sessions.Store(id, &chatSession{attrs: map[string]string{}}) }

func (s *chatServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Session")
	v, ok := s.sessions.Load(id)
	if !ok {
		s.open(id)
		return
	}
	v.(*chatSession).attrs["last"] = r.URL.Path // want `medium unguarded: write of chatSession.attrs without a lock`
}
