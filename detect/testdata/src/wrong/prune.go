// Racy shape: the parent holds the lock while it starts a goroutine per tenant, each deletes from the map it ranges over (thanos Prune)
package wrong

import "sync"

type tenant struct{ idle bool }

type multiTSDB struct {
	mtx     sync.Mutex
	tenants map[string]*tenant
}

func (t *multiTSDB) open(id string) *tenant {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	tn, ok := t.tenants[id]
	if !ok {
		tn = &tenant{}
		t.tenants[id] = tn
	}
	return tn
}

func (t *multiTSDB) Prune(wipe func(*tenant) error) {
	var wg sync.WaitGroup
	t.mtx.Lock()
	defer t.mtx.Unlock()
	for id, tn := range t.tenants {
		wg.Add(1)
		go func(id string, tn *tenant) {
			defer wg.Done()
			if tn.idle && wipe(tn) == nil {
				delete(t.tenants, id) // want `(medium|high) (partial|unguarded): delete of multiTSDB.tenants`
			}
		}(id, tn)
	}
	wg.Wait()
}

func (t *multiTSDB) Write(reqs <-chan string) {
	go t.Prune(func(*tenant) error { return nil })
	for id := range reqs {
		_ = t.open(id)
	}
}
