// Correct shape: entries of a sync.Map have a lock of their own around their maps (per-user presence)
package boxes

import (
	"net/http"
	"sync"
)

type presence struct {
	mu      sync.Mutex
	devices map[string]bool
}

type presences struct{ byUser sync.Map }

func (p *presences) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, _ := p.byUser.LoadOrStore(r.Header.Get("User"), &presence{devices: map[string]bool{}})
	e := v.(*presence)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.devices[r.RemoteAddr] = true
}
