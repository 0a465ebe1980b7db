// Correct shape: readers take the header under RLock and read it outside; writers build a new map and only replace the variable (mime tables, feature flags)
package escapes

import (
	"net/http"
	"sync"
)

type Flags struct {
	mu    sync.RWMutex
	flags map[string]bool
}

func (f *Flags) current() map[string]bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.flags
}

func (f *Flags) Reload(enabled []string) {
	next := make(map[string]bool, len(enabled))
	for _, e := range enabled {
		next[e] = true
	}
	f.mu.Lock()
	f.flags = next
	f.mu.Unlock()
}

func (f *Flags) Enable(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := make(map[string]bool, len(f.flags)+1)
	for k, v := range f.flags {
		next[k] = v
	}
	next[name] = true
	f.flags = next
}

func (f *Flags) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	flags := f.current()
	for name := range r.URL.Query() {
		if !flags[name] {
			http.Error(w, name, http.StatusForbidden)
			return
		}
	}
	if r.Method == http.MethodPut {
		f.Enable(r.URL.Path)
	}
}
