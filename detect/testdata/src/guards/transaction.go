// Correct shape: Begin locks the store and the transaction object unlocks it on Commit or Rollback, its methods touch the store's map (embedded databases)
package guards

import "sync"

type memStore struct {
	mu   sync.Mutex
	rows map[string]string
}

type memTxn struct {
	s    *memStore
	undo map[string]string
}

func (s *memStore) begin() *memTxn {
	s.mu.Lock()
	return &memTxn{s: s, undo: map[string]string{}}
}

func (t *memTxn) get(k string) string { return t.s.rows[k] }

func (t *memTxn) put(k, v string) {
	t.undo[k] = t.s.rows[k]
	t.s.rows[k] = v
}

func (t *memTxn) commit() { t.s.mu.Unlock() }

func (t *memTxn) rollback() {
	for k, v := range t.undo {
		t.s.rows[k] = v
	}
	t.s.mu.Unlock()
}

func (s *memStore) move(from, to string) bool {
	t := s.begin()
	v := t.get(from)
	t.put(to, v)
	t.put(from, "")
	if v == "" {
		t.rollback()
		return false
	}
	t.commit()
	return true
}

func MoveAll(pairs <-chan [2]string) {
	s := &memStore{rows: map[string]string{}}
	for range 4 {
		go func() {
			for p := range pairs {
				s.move(p[0], p[1])
			}
		}()
	}
}
