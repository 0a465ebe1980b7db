// Correct shape: parts of a client lock it through a sync.Locker that they were given (a
// torrent client's web seeds): what they hold is the client's own lock under another name.
package locks

import "sync"

type swarm struct {
	mu      sync.Mutex
	pending map[string]int
	seeds   []*seed
}

type seed struct {
	locker sync.Locker
	swarm  *swarm
	active map[int]string
}

func newSwarm(n int) *swarm {
	s := &swarm{pending: map[string]int{}}
	for range n {
		s.seeds = append(s.seeds, &seed{locker: &s.mu, swarm: s, active: map[int]string{}})
	}
	return s
}

func (s *swarm) Announce(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[k]++
	for i, p := range s.seeds {
		p.active[i] = k
		go p.run(k)
	}
}

func (s *swarm) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

func (s *swarm) Reset(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, k)
	for _, p := range s.seeds {
		clear(p.active)
	}
}

func (s *swarm) Has(k string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.pending[k]
	return ok
}

func (p *seed) run(k string) {
	p.locker.Lock()
	defer p.locker.Unlock()
	delete(p.swarm.pending, k)
	delete(p.active, 0)
}

func StartSwarm() *swarm { return newSwarm(4) }
