// Racy shape: a getter returns maps.Keys made under the read lock, callers step through the live map later (tenant listings, Go 1.23)
package escapes

import (
	"iter"
	"maps"
	"sync"
)

type Tenants struct {
	mu sync.RWMutex
	by map[string]int
}

func (t *Tenants) Add(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.by[k]++
}

func (t *Tenants) Remove(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, k)
}

func (t *Tenants) Names() iter.Seq[string] {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return maps.Keys(t.by) // want `medium escape: \(\*Tenants\).Names returns Tenants.by itself`
}
