// Correct shape: copy-on-write in an atomic.Value: a new map is built and stored, the old one only read
package dispatch

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
)

type aliases struct {
	mu    sync.Mutex
	table atomic.Value // of map[string]string
}

func newAliases() *aliases {
	a := &aliases{}
	a.table.Store(map[string]string{})
	return a
}

func (a *aliases) load() map[string]string { return a.table.Load().(map[string]string) }

func (a *aliases) add(from, to string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := maps.Clone(a.load())
	next[from] = to
	a.table.Store(next)
}

func (a *aliases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		a.add(r.FormValue("from"), r.FormValue("to"))
		return
	}
	if to, ok := a.load()[r.URL.Path]; ok {
		http.Redirect(w, r, to, http.StatusFound)
	}
}

func ServeAliases() error { return http.ListenAndServe(":0", newAliases()) }
