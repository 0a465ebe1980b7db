package locks

import "sync"

// A Guarded has lock and unlock methods of its own.
type Guarded struct {
	mu sync.Mutex
	m  map[string]int
}

// NewGuarded returns an empty one.
func NewGuarded() *Guarded { return &Guarded{m: map[string]int{}} }

func (g *Guarded) lock() { g.mu.Lock() }

func (g *Guarded) unlock() { g.mu.Unlock() }

// Inc counts.
func (g *Guarded) Inc(k string) {
	g.lock()
	defer g.unlock()
	g.m[k]++
}

// Sum adds up.
func (g *Guarded) Sum() (n int) {
	g.lock()
	defer g.unlock()
	for _, v := range g.m {
		n += v
	}
	return n
}

// Start counts in the background.
func (g *Guarded) Start(k string) { go g.Inc(k) }
