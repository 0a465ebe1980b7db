// Correct shape: element copied, changed and stored anew under the lock, so readers keep an old one (kubernetes informer caches)
package elements

import (
	"sync"
)

type endpoint struct {
	addr    string
	healthy bool
}

type Endpoints struct {
	mu  sync.RWMutex
	all map[string]*endpoint
}

func (e *Endpoints) SetHealth(addr string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.all[addr]
	if old == nil {
		return
	}
	next := *old
	next.healthy = ok
	e.all[addr] = &next
}

func (e *Endpoints) Get(addr string) *endpoint {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.all[addr]
}

func (e *Endpoints) Probe(addrs []string, up func(string) bool) {
	for _, a := range addrs {
		go func() {
			p := e.Get(a)
			if p != nil && !p.healthy && up(p.addr) {
				e.SetHealth(a, true)
			}
		}()
	}
}
