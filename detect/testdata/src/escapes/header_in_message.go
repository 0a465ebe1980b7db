// Racy shape: the map is put into a message under the lock and the receiving goroutine reads it there (gossip state, heartbeats)
package escapes

import "sync"

type heartbeat struct {
	node  string
	terms map[string]uint64
}

type Replica struct {
	mu    sync.Mutex
	node  string
	terms map[string]uint64
	out   chan heartbeat
}

func (r *Replica) Advance(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.terms[group]++
}

func (r *Replica) Leave(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.terms, group)
}

func (r *Replica) Beat() {
	r.mu.Lock()
	hb := heartbeat{node: r.node, terms: r.terms}
	r.mu.Unlock()
	r.out <- hb // want `(medium|high) escape`
}

func (r *Replica) transmit(send func(string, uint64)) {
	for hb := range r.out {
		for g, t := range hb.terms {
			send(g, t)
		}
	}
}

func (r *Replica) Start(send func(string, uint64)) { go r.transmit(send) }
