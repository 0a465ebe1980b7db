// Racy shape: a generic registry without a lock, filled by plugins that register from their own goroutines
package generics

type registry[T any] struct {
	byName map[string]T
}

func (r *registry[T]) register(name string, v T) {
	r.byName[name] = v // want `(medium|high) unguarded: write of registry.byName`
}

func (r *registry[T]) lookup(name string) (T, bool) {
	v, ok := r.byName[name]
	return v, ok
}

type codecFunc func([]byte) []byte

func Load(plugins map[string]func() codecFunc) codecFunc {
	r := &registry[codecFunc]{byName: map[string]codecFunc{}}
	for name, open := range plugins {
		go func() { r.register(name, open()) }()
	}
	c, _ := r.lookup("gzip")
	return c
}
