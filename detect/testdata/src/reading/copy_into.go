// Racy shape: maps.Copy merges defaults into the shared map at run time without the lock (label propagation)
package reading

import (
	"maps"
	"sync"
)

type labelStore struct {
	mu     sync.Mutex
	labels map[string]string
}

func (s *labelStore) set(k, v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.labels[k] = v
}

func (s *labelStore) get(k string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.labels[k]
}

func (s *labelStore) snapshot() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.labels)
}

func (s *labelStore) inherit(parent *labelStore) {
	maps.Copy(s.labels, parent.snapshot()) // want `(medium|high) partial: write of labelStore.labels without labelStore.mu`
}

func Propagate(parent *labelStore, kids []*labelStore, in <-chan [2]string) {
	for _, k := range kids {
		go func() {
			for kv := range in {
				if k.get(kv[0]) == "" {
					parent.set(kv[0], kv[1])
				}
			}
		}()
		go k.inherit(parent)
		go k.set("kid", "yes")
	}
}
