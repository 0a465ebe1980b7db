// Racy shape: the manager gives its lock back before the reloads it started have ended, two of them meet on one pool (prometheus scrapePool.sync)
package guards

import "sync"

type scrapeLoop struct{ stop func() }

type scrapePool struct {
	targetMtx sync.Mutex
	loops     map[uint64]*scrapeLoop
}

func (sp *scrapePool) sync(targets []uint64) {
	sp.targetMtx.Lock()
	wanted := map[uint64]bool{}
	for _, t := range targets {
		wanted[t] = true
		if sp.loops[t] == nil {
			sp.loops[t] = &scrapeLoop{stop: func() {}}
		}
	}
	for t, l := range sp.loops {
		if !wanted[t] {
			l.stop()
			delete(sp.loops, t)
		}
	}
	sp.targetMtx.Unlock()
	for _, l := range sp.loops { // want `(medium|high) iteration: range of scrapePool.loops without scrapePool.targetMtx.*, which 6 of 7 accesses hold; `
		_ = l
	}
}

func (sp *scrapePool) stop() {
	sp.targetMtx.Lock()
	defer sp.targetMtx.Unlock()
	for t, l := range sp.loops {
		l.stop()
		delete(sp.loops, t)
	}
}

type scrapeManager struct {
	mtx   sync.Mutex
	pools map[string]*scrapePool
}

func (m *scrapeManager) reload(targets map[string][]uint64) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	for name, ts := range targets {
		sp, ok := m.pools[name]
		if !ok {
			sp = &scrapePool{loops: map[uint64]*scrapeLoop{}}
			m.pools[name] = sp
		}
		go sp.sync(ts)
	}
}

func (m *scrapeManager) Run(updates <-chan map[string][]uint64) {
	for ts := range updates {
		m.reload(ts)
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	for _, sp := range m.pools {
		sp.stop()
	}
}
