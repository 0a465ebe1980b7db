package locks

import "sync"

// A Table reads under a read lock.
type Table struct {
	sync.RWMutex
	rows map[int]string
}

// NewTable returns an empty one.
func NewTable() *Table { return &Table{rows: make(map[int]string)} }

// Get reads.
func (t *Table) Get(id int) (string, bool) {
	t.RLock()
	defer t.RUnlock()
	v, ok := t.rows[id]
	return v, ok
}

// Set writes.
func (t *Table) Set(id int, v string) {
	t.Lock()
	t.rows[id] = v
	t.Unlock()
}

// Len counts.
func (t *Table) Len() int {
	t.RLock()
	n := len(t.rows)
	t.RUnlock()
	return n
}
