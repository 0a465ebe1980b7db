// Racy shape: Snapshot builds a new struct under the lock but puts the live map in it, a debug handler ranges over it (stats structs)
package escapes

import (
	"fmt"
	"net/http"
	"sync"
)

type Report struct {
	Total int
	Hosts map[string]int
}

type Meter struct {
	mu    sync.Mutex
	total int
	hosts map[string]int
}

func (m *Meter) Observe(host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total++
	m.hosts[host]++
}

func (m *Meter) Evict(host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total -= m.hosts[host]
	delete(m.hosts, host)
}

func (m *Meter) Snapshot() Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Report{Total: m.total, Hosts: m.hosts}
}

func (m *Meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Observe(r.Host)
	rep := m.Snapshot()
	for h, n := range rep.Hosts { // want `(medium|high) escape: range of Meter.hosts`
		fmt.Fprintln(w, h, n)
	}
}
