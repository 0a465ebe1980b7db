// Correct shape: the callback of sync.Map.Range fills a local map on the same goroutine (snapshots)
package confine

import (
	"net/http"
	"sync"
)

type presence struct{ online sync.Map }

func (p *presence) snapshot() map[string]int {
	out := make(map[string]int)
	p.online.Range(func(k, v any) bool {
		out[k.(string)] = v.(int)
		return len(out) < 1000
	})
	return out
}

func (p *presence) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.online.Store(r.RemoteAddr, 1)
	s := p.snapshot()
	delete(s, r.RemoteAddr)
	if len(s) == 0 {
		w.WriteHeader(http.StatusNoContent)
	}
}

func ServePresence() error { return http.ListenAndServe(":0", &presence{}) }
