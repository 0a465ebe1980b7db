// Racy shape: a reload goroutine replaces the whole map under the lock, one reader goes without it (feature flags)
package replaced

import (
	"net/http"
	"sync"
	"time"
)

type flagSource struct {
	mu    sync.RWMutex
	flags map[string]bool
	fetch func() map[string]bool
}

func (s *flagSource) reload() {
	next := s.fetch()
	s.mu.Lock()
	s.flags = next
	s.mu.Unlock()
}

func (s *flagSource) enabled(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.flags[name]
}

func (s *flagSource) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.flags)
}

func (s *flagSource) beta(w http.ResponseWriter, r *http.Request) {
	if !s.flags["beta"] { // want `(medium|high) replaced: `
		http.NotFound(w, r)
		return
	}
	if s.enabled("count") {
		_, _ = w.Write([]byte{byte(s.count())})
	}
}

func ServeFlags(fetch func() map[string]bool) error {
	s := &flagSource{fetch: fetch}
	s.reload()
	go func() {
		for range time.Tick(time.Minute) {
			s.reload()
		}
	}()
	http.HandleFunc("/beta", s.beta)
	return http.ListenAndServe(":0", nil)
}
