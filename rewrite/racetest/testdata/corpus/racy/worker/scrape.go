package worker

import "sync"

// Imitates prometheus' scrapePool: loops are replaced by goroutines that hold the wrong
// half of the locks.

type loop struct{ stopped bool }

// A Pool runs a loop per target.
type Pool struct {
	targetMu sync.Mutex
	loopsMu  sync.Mutex
	loops    map[uint64]*loop // racy
}

// NewPool returns an empty pool.
func NewPool() *Pool { return &Pool{loops: make(map[uint64]*loop)} }

// Sync starts a loop for a target.
func (p *Pool) Sync(target uint64) {
	p.targetMu.Lock()
	defer p.targetMu.Unlock()
	if _, ok := p.loops[target]; !ok {
		p.loops[target] = &loop{}
	}
}

// Stop stops all loops.
func (p *Pool) Stop() {
	p.loopsMu.Lock()
	defer p.loopsMu.Unlock()
	for id, l := range p.loops {
		l.stopped = true
		delete(p.loops, id)
	}
}

// Reload syncs many targets in the background.
func (p *Pool) Reload(targets []uint64) {
	for _, t := range targets {
		go p.Sync(t)
	}
}
