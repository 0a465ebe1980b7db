// Racy shape: a sweeper deletes from the map behind an atomic.Pointer that lookups range over (lock-free registries)
package boxes

import (
	"sync/atomic"
	"time"
)

type peers struct {
	seen atomic.Pointer[map[string]time.Time]
}

func newPeers() *peers {
	p := new(peers)
	p.seen.Store(&map[string]time.Time{})
	go p.sweep()
	return p
}

func (p *peers) sweep() {
	for range time.Tick(time.Minute) {
		for k, t := range *p.seen.Load() {
			if time.Since(t) > time.Hour {
				delete(*p.seen.Load(), k) // want `medium unguarded: delete of peers.seen without a lock`
			}
		}
	}
}

func (p *peers) Alive() (n int) {
	for range *p.seen.Load() {
		n++
	}
	return n
}
