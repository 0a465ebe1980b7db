// Racy shape: a free port is searched under RLock and taken under Lock later, two callers get the same (allocators)
package checkact

import "sync"

type lease struct {
	port  int
	owner string
}

type portTable struct {
	mu    sync.RWMutex
	inUse map[int]*lease
}

func (p *portTable) claim(port int, owner string) *lease {
	p.mu.RLock()
	l, taken := p.inUse[port]
	p.mu.RUnlock()
	if taken {
		return l
	}
	l = &lease{port, owner}
	p.mu.Lock()
	p.inUse[port] = l // want `medium check-then-act: write of portTable.inUse`
	p.mu.Unlock()
	return l
}

func (p *portTable) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.inUse, port)
}

func (p *portTable) serve(owner string, ports <-chan int, use func(*lease)) {
	for port := range ports {
		l := p.claim(port, owner)
		if l.owner == owner {
			use(l)
			p.release(port)
		}
	}
}

func Allocate(owners []string, ports <-chan int, use func(*lease)) {
	p := &portTable{inUse: map[int]*lease{}}
	for _, o := range owners {
		go p.serve(o, ports, use)
	}
}
