package worker

import "sync"

// Imitates thanos' MultiTSDB.Prune: one goroutine per tenant deletes from the map that
// the parent still ranges over.

type tenant struct{ idle bool }

// Tenants are the stores of a receiver.
type Tenants struct {
	tenants map[string]*tenant // racy
}

// NewTenants returns idle tenants.
func NewTenants(names ...string) *Tenants {
	t := &Tenants{tenants: map[string]*tenant{}}
	for _, n := range names {
		t.tenants[n] = &tenant{idle: true}
	}
	return t
}

// Prune removes idle tenants.
func (t *Tenants) Prune() {
	var wg sync.WaitGroup
	for name, one := range t.tenants {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if one.idle {
				delete(t.tenants, name)
			}
		}()
	}
	wg.Wait()
}

// Add adds a tenant.
func (t *Tenants) Add(name string) { t.tenants[name] = &tenant{idle: true} }
