// Racy shape: rows are structs with locks of their own, the report ranges over one holding only the outer lock
package rows

import "sync"

type queueRow struct {
	mu    sync.Mutex
	items map[string]int
}

func (q *queueRow) push(k string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items[k]++
}

func (q *queueRow) take(k string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.items, k)
}

func (q *queueRow) has(k string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items[k] > 0
}

type queueTable struct {
	mu   sync.RWMutex
	rows map[string]*queueRow
}

func (t *queueTable) get(name string) *queueRow {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows[name]
}

func (t *queueTable) add(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[name] = &queueRow{items: map[string]int{}}
}

func (t *queueTable) report() (n int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		for _, c := range r.items { // want `(medium|high) (iteration|wrong-lock|partial): range of queueRow.items`
			n += c
		}
	}
	return n
}

func (t *queueTable) Serve(ops <-chan string) {
	for range 4 {
		go func() {
			for k := range ops {
				t.add(k)
				if q := t.get(k); !q.has(k) {
					q.push(k)
				} else {
					q.take(k)
				}
				_ = t.report()
			}
		}()
	}
}
