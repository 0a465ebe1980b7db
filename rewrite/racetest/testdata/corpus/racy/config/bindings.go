package config

import "sync"

// Imitates dapr's ComponentStore: a getter returns the guarded map itself.

// Bindings are hot-reloaded.
type Bindings struct {
	mu     sync.RWMutex
	inputs map[string]int // racy
}

// NewBindings returns none.
func NewBindings() *Bindings { return &Bindings{inputs: make(map[string]int)} }

// Add adds one.
func (b *Bindings) Add(name string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inputs[name] = n
}

// Delete removes one.
func (b *Bindings) Delete(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.inputs, name)
}

// List returns all.
func (b *Bindings) List() map[string]int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.inputs
}

// Sum adds them up.
func (b *Bindings) Sum() (n int) {
	for _, v := range b.List() {
		n += v
	}
	return n
}
