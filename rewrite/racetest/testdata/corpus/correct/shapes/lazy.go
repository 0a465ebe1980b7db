package shapes

import "sync"

// A Lazy makes its map under the lock.
type Lazy struct {
	mu sync.Mutex
	m  map[string]int
}

// Put stores.
func (l *Lazy) Put(k string, v int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil {
		l.m = make(map[string]int)
	}
	l.m[k] = v
}

// Get loads.
func (l *Lazy) Get(k string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.m[k]
}
