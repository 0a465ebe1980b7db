// Racy shape: go b.Sync() through an interface with two implementations, one of them keeps a bare map
package dispatch

import "time"

type backend interface {
	Sync()
	Lookup(string) string
}

type fileBackend struct{ path string }

func (f *fileBackend) Sync()                  {}
func (f *fileBackend) Lookup(k string) string { return f.path + k }

type memBackend struct {
	fetch   func() []string
	entries map[string]string
}

func (m *memBackend) Sync() {
	for range time.Tick(time.Second) {
		for _, e := range m.fetch() {
			m.entries[e] = e // want `(medium|high) unguarded: .* of memBackend.entries`
		}
	}
}

func (m *memBackend) Lookup(k string) string { return m.entries[k] }

type resolver struct{ backends []backend }

func (r *resolver) start() {
	for _, b := range r.backends {
		go b.Sync()
	}
}

func (r *resolver) resolve(k string) string {
	for _, b := range r.backends {
		if v := b.Lookup(k); v != "" {
			return v
		}
	}
	return ""
}

func Resolve(queries <-chan string, fetch func() []string) {
	r := &resolver{backends: []backend{&fileBackend{"/"}, &memBackend{fetch: fetch, entries: map[string]string{}}}}
	r.start()
	for q := range queries {
		_ = r.resolve(q)
	}
}
