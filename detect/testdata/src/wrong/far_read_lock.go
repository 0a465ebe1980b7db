// Correct shape: a peer's own goroutine writes its table under the read lock of what all peers share, the management takes that lock for writing (gobgp)
package wrong

import "sync"

type sharedState struct{ mu sync.RWMutex }

type adjTable struct{ accepted map[string]int }

func (t *adjTable) update(k string) {
	t.accepted[k]++
}

func (t *adjTable) count(k string) int { return t.accepted[k] }

type bgpPeer struct{ in *adjTable }

type bgpServer struct {
	shared *sharedState
	peers  map[string]*bgpPeer
	ops    chan func()
}

func (s *bgpServer) handle(p *bgpPeer, k string) {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	p.in.update(k)
}

func (s *bgpServer) start(p *bgpPeer, in chan string) {
	go func() {
		for k := range in {
			s.handle(p, k)
		}
	}()
}

func (s *bgpServer) Serve(in map[string]chan string) {
	for name, c := range in {
		s.start(s.peers[name], c)
	}
	for op := range s.ops {
		s.shared.mu.Lock()
		op()
		s.shared.mu.Unlock()
	}
}

func (s *bgpServer) Accepted(name, k string) (n int) {
	done := make(chan struct{})
	s.ops <- func() {
		n = s.peers[name].in.count(k)
		close(done)
	}
	<-done
	return n
}

func (s *bgpServer) Reset(name string) {
	done := make(chan struct{})
	s.ops <- func() {
		clear(s.peers[name].in.accepted)
		close(done)
	}
	<-done
}
