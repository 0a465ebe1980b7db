// Racy shape: time.AfterFunc is given a method value that deletes what other methods guard with a lock (lease tables)
package dispatch

import (
	"sync"
	"time"
)

type leaseTable struct {
	mu     sync.Mutex
	leases map[string]*time.Timer
}

type leaseExpiry struct {
	t  *leaseTable
	id string
}

func (e *leaseExpiry) fire() {
	delete(e.t.leases, e.id) // want `(medium|high) partial: delete of leaseTable.leases without leaseTable.mu`
}

func (t *leaseTable) grant(id string, ttl time.Duration) {
	e := &leaseExpiry{t, id}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leases[id] = time.AfterFunc(ttl, e.fire)
}

func (t *leaseTable) renew(id string, ttl time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	timer, ok := t.leases[id]
	return ok && timer.Reset(ttl)
}

func (t *leaseTable) revoke(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if timer, ok := t.leases[id]; ok {
		timer.Stop()
		delete(t.leases, id)
	}
}

func Lease(t *leaseTable, ids []string) {
	for _, id := range ids {
		t.grant(id, time.Second)
		if !t.renew(id, time.Minute) {
			t.revoke(id)
		}
	}
}
