// Correct shape: the row is cloned under the lock, the caller works on the clone (label indexes)
package rows

import (
	"maps"
	"sync"
)

type postings struct {
	mu    sync.RWMutex
	index map[string]map[uint64]bool // quiet nested
}

func (p *postings) add(label string, id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.index[label] == nil {
		p.index[label] = make(map[uint64]bool)
	}
	p.index[label][id] = true
}

func (p *postings) ids(label string) map[uint64]bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return maps.Clone(p.index[label])
}

func (p *postings) intersect(labels ...string) map[uint64]bool {
	if len(labels) == 0 {
		return nil
	}
	out := p.ids(labels[0])
	for _, l := range labels[1:] {
		other := p.ids(l)
		for id := range out {
			if !other[id] {
				delete(out, id)
			}
		}
	}
	return out
}

func (p *postings) Query(queries <-chan []string) {
	for range 4 {
		go func() {
			for q := range queries {
				p.add(q[0], uint64(len(p.intersect(q...))))
			}
		}()
	}
}
