// Correct shape: a named set with methods, every caller of a method holds the owner's lock
package named

import "sync"

type idSet map[uint64]struct{}

func (s idSet) add(id uint64)      { s[id] = struct{}{} }
func (s idSet) remove(id uint64)   { delete(s, id) }
func (s idSet) has(id uint64) bool { _, ok := s[id]; return ok }
func (s idSet) union(o idSet) {
	for id := range o {
		s.add(id)
	}
}

type txnManager struct {
	mu     sync.Mutex
	active idSet
	doomed idSet
}

func (m *txnManager) begin(id uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active.add(id)
}

func (m *txnManager) abortAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doomed.union(m.active)
}

func (m *txnManager) finish(id uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	ok := m.active.has(id) && !m.doomed.has(id)
	m.active.remove(id)
	m.doomed.remove(id)
	return ok
}

func (m *txnManager) Run(ids <-chan uint64) {
	for range 4 {
		go func() {
			for id := range ids {
				m.begin(id)
				if !m.finish(id) {
					m.abortAll()
				}
			}
		}()
	}
}
