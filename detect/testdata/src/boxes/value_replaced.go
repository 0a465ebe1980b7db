// Correct shape: the map in an atomic.Value is cloned, changed and stored anew under a writer's lock, readers never write (feature gates)
package boxes

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
)

type gates struct {
	write sync.Mutex
	on    atomic.Value // map[string]bool
}

func (g *gates) set(name string) {
	g.write.Lock()
	defer g.write.Unlock()
	old, _ := g.on.Load().(map[string]bool)
	next := maps.Clone(old)
	if next == nil {
		next = map[string]bool{}
	}
	next[name] = true
	g.on.Store(next)
}

func (g *gates) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		g.set(r.FormValue("gate"))
		return
	}
	m, _ := g.on.Load().(map[string]bool)
	if !m[r.FormValue("gate")] {
		http.NotFound(w, r)
	}
}
