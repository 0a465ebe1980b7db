// Racy shape: the loop reaches the range through an interface that spells the callback's type with other parameter names and interface{}
package dispatch

import "sync"

type upstream struct{ addr string }

type eachUpstream interface {
	Each(fn func(name string, u *upstream, extra interface{}))
}

type upstreamPool struct {
	mu    sync.Mutex
	byKey map[string]*upstream
}

func (p *upstreamPool) Each(visit func(k string, v *upstream, x any)) {
	for k, u := range p.byKey { // want `(medium|high) iteration: range of upstreamPool.byKey without upstreamPool.mu`
		visit(k, u, nil)
	}
}

func (p *upstreamPool) put(k, addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byKey[k] = &upstream{addr}
}

func (p *upstreamPool) drop(k string) {
	p.mu.Lock()
	delete(p.byKey, k)
	p.mu.Unlock()
}

func (p *upstreamPool) has(k string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byKey[k] != nil
}

func pingAll(each eachUpstream, ping func(string)) {
	for range 10 {
		each.Each(func(_ string, u *upstream, _ interface{}) { ping(u.addr) })
	}
}

func Balance(keys <-chan string, ping func(string)) {
	p := &upstreamPool{byKey: map[string]*upstream{}}
	go pingAll(p, ping)
	for k := range keys {
		if p.has(k) {
			p.drop(k)
		} else {
			p.put(k, k)
		}
	}
}
