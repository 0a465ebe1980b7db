// A directive on one access leaves that access out: other findings of the map stay, and so
// does the count of who holds the guard.
package directives

import (
	"maps"
	"sync"
)

type registry struct {
	mu    sync.Mutex
	names map[string]int
}

// Registry is the exported handle.
type Registry struct{ registry }

func (r *registry) add(n string, v int) { r.mu.Lock(); r.names[n] = v; r.mu.Unlock() }
func (r *registry) drop(n string)       { r.mu.Lock(); delete(r.names, n); r.mu.Unlock() }
func (r *registry) get(n string) int    { r.mu.Lock(); defer r.mu.Unlock(); return r.names[n] }
func (r *registry) wipe()               { r.mu.Lock(); defer r.mu.Unlock(); clear(r.names) }

// Run serves for ever.
func (r *registry) Run(ops <-chan string) {
	for range 4 {
		go func() {
			for op := range ops {
				r.add(op, 1)
				r.drop(op)
				r.get(op)
				r.wipe()
				r.size()
				r.dump()
				r.list()
				r.copyTo(nil)
			}
		}()
	}
}

func (r *registry) size() int {
	return len(r.names) //mapmigrate:ignore an estimate for the status page // hides partial
}

func (r *registry) dump() (total int) {
	//mapmigrate:ignore debug builds only // hides iteration
	for n := range r.names {
		total += r.names[n] // want `partial.* 4 of 5 accesses`
	}
	return total
}

func (r *registry) list() []string {
	//mapmigrate:ignore the statement goes on for lines // hides iteration
	return collect(
		maps.Keys(
			r.names,
		),
	)
}

func collect(seq func(func(string) bool)) (out []string) {
	for s := range seq {
		out = append(out, s)
	}
	return out
}

func (r *registry) copyTo(spawn func(func())) {
	r.mu.Lock()
	defer r.mu.Unlock()
	//mapmigrate:ignore nothing to hide here // problem unused-ignore
	r.names["copied"] = 1
}

type feed struct{ items map[string]int }

// Start shows that a directive above a statement does not reach into a function literal.
func Start(f *feed) {
	//mapmigrate:ignore the go statement itself touches nothing // problem unused-ignore
	go func() {
		f.items["a"]++ // want `unguarded`
	}()
	go func() {
		f.items["b"]++
	}()
}
