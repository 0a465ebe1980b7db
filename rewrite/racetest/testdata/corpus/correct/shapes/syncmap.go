package shapes

import "sync"

// A Registry is a sync.Map already; its plain map is filled once.
type Registry struct {
	live  sync.Map
	names map[int]string
}

// NewRegistry knows names.
func NewRegistry(names ...string) *Registry {
	r := &Registry{names: map[int]string{}}
	for i, n := range names {
		r.names[i] = n
	}
	return r
}

// Touch marks one live.
func (r *Registry) Touch(id int) { r.live.Store(r.names[id], true) }

// TouchAll marks from goroutines.
func (r *Registry) TouchAll(n int) {
	for i := range n {
		go r.Touch(i)
	}
}
