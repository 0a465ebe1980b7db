// Racy shape: a getter returns the guarded map under RLock and another type ranges over the result (dapr component store)
package escapes

import "sync"

type binding struct{ name, route string }

type ComponentStore struct {
	lock     sync.RWMutex
	bindings map[string]binding
}

func (c *ComponentStore) AddBinding(b binding) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.bindings[b.name] = b
}

func (c *ComponentStore) DeleteBinding(name string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	delete(c.bindings, name)
}

func (c *ComponentStore) listBindings() map[string]binding {
	c.lock.RLock()
	defer c.lock.RUnlock()
	return c.bindings
}

type reader struct {
	store *ComponentStore
	start func(binding) error
}

func (r *reader) startAll() error {
	for _, b := range r.store.listBindings() { // want `(medium|high) escape: range of ComponentStore.bindings in \(\*reader\).startAll`
		if err := r.start(b); err != nil {
			return err
		}
	}
	return nil
}

// Reload runs beside the store's writers.
func (r *reader) Reload(updates <-chan binding) {
	go func() {
		for b := range updates {
			r.store.AddBinding(b)
			_ = r.startAll()
		}
	}()
}
