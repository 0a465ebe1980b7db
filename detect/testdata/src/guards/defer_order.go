// Racy shape: the clean-up is deferred before the Unlock is, so it runs after the lock is given back
package guards

import "sync"

type txTable struct {
	mu   sync.Mutex
	open map[uint64]string
	seq  uint64
}

func (t *txTable) begin(owner string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	t.open[t.seq] = owner
	return t.seq
}

func (t *txTable) owner(id uint64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[id]
}

func (t *txTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func (t *txTable) reown(id uint64, to string) {
	t.mu.Lock()
	t.open[id] = to
	t.mu.Unlock()
}

func (t *txTable) commit(id uint64, write func(string) error) error {
	defer delete(t.open, id) // want `(medium|high) partial: delete of txTable.open without txTable.mu`
	t.mu.Lock()
	defer t.mu.Unlock()
	return write(t.open[id])
}

func (t *txTable) Serve(reqs <-chan string, write func(string) error) {
	for range 4 {
		go func() {
			for r := range reqs {
				id := t.begin(r)
				t.reown(id, r+"'")
				if t.owner(id) != "" && t.count() > 0 {
					_ = t.commit(id, write)
				}
			}
		}()
	}
}
