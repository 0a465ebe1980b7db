// Correct shape: miss under RLock, create, look again under Lock before storing (double-checked get-or-create)
package checkact

import "sync"

type dialer func(addr string) (*peer, error)

type peer struct{ addr string }

type PeerPool struct {
	mu    sync.RWMutex
	peers map[string]*peer
	dial  dialer
}

func (p *PeerPool) Get(addr string) (*peer, error) {
	p.mu.RLock()
	c, ok := p.peers[addr]
	p.mu.RUnlock()
	if ok {
		return c, nil
	}
	fresh, err := p.dial(addr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.peers[addr]; ok {
		return c, nil
	}
	p.peers[addr] = fresh
	return fresh, nil
}

func (p *PeerPool) Forget(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.peers, addr)
}

func (p *PeerPool) Warm(addrs []string) {
	var wg sync.WaitGroup
	for _, a := range addrs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, _ = p.Get(a)
		}()
	}
	wg.Wait()
}
