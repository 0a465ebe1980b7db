// Racy shape: a closure made under the lock captures the map and runs after Unlock (deferred metrics callbacks)
package escapes

import (
	"sync"
	"time"
)

type Leases struct {
	mu     sync.Mutex
	leases map[string]time.Time
	audit  func(int)
}

func (l *Leases) Grant(id string, ttl time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leases[id] = time.Now().Add(ttl)
}

func (l *Leases) Revoke(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leases, id)
}

func (l *Leases) AuditLater() {
	l.mu.Lock()
	defer l.mu.Unlock()
	leases := l.leases
	time.AfterFunc(time.Minute, func() {
		n := 0
		for _, until := range leases { // want `(medium|high) (escape|iteration|partial|unguarded)`
			if time.Now().After(until) {
				n++
			}
		}
		l.audit(n)
	})
}
