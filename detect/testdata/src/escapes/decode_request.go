// Racy shape: a PATCH handler decodes the request's body over the live struct, whose map others read under its lock (feature flag APIs)
package escapes

import (
	"encoding/json"
	"net/http"
	"sync"
)

type FlagSet struct {
	mu sync.Mutex
	On map[string]bool
}

func (f *FlagSet) Enabled(k string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.On[k]
}

func (f *FlagSet) Enable(k string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.On[k] = true
}

func (f *FlagSet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := json.NewDecoder(r.Body).Decode(f); err != nil { // want `high partial: write of FlagSet.On without FlagSet.mu`
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}
