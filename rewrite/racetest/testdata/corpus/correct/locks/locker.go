package locks

import "sync"

// An Index takes its lock from outside.
type Index struct {
	l sync.Locker
	m map[string]int
}

// NewIndex is guarded by l.
func NewIndex(l sync.Locker) *Index { return &Index{l: l, m: map[string]int{}} }

// Put stores.
func (x *Index) Put(k string, v int) {
	x.l.Lock()
	defer x.l.Unlock()
	x.m[k] = v
}

// Get loads.
func (x *Index) Get(k string) int {
	x.l.Lock()
	defer x.l.Unlock()
	return x.m[k]
}
