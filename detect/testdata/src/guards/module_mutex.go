// Correct shape: every access goes through a project's own mutex type, recognised by its methods (tailscale syncs.Mutex)
package guards

import (
	"sync"
	"time"
)

// trackedMutex remembers since when it is held.
type trackedMutex struct {
	mu    sync.Mutex
	since time.Time
}

func (m *trackedMutex) Lock() {
	m.mu.Lock()
	m.since = time.Now()
}

func (m *trackedMutex) Unlock() {
	m.since = time.Time{}
	m.mu.Unlock()
}

type peerMap struct {
	mu    trackedMutex
	peers map[string]time.Time
}

func (p *peerMap) upsert(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peers[key] = time.Now()
}

func (p *peerMap) expire(age time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, t := range p.peers {
		if time.Since(t) > age {
			delete(p.peers, k)
		}
	}
}

func (p *peerMap) Run(keys <-chan string) {
	go func() {
		for range time.Tick(time.Minute) {
			p.expire(time.Hour)
		}
	}()
	for k := range keys {
		p.upsert(k)
	}
}
