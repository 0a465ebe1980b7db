// Racy shape: a map of three levels filled by one goroutine per device address (telegraf gnmi lookup)
package rows

import "sync"

type gnmi struct {
	addresses []string
	lookup    map[string]map[string]map[string]any
	wg        sync.WaitGroup
}

func (g *gnmi) start(subscribe func(string) <-chan [3]string) {
	g.lookup = make(map[string]map[string]map[string]any)
	for _, addr := range g.addresses {
		g.wg.Add(1)
		go func(addr string) {
			defer g.wg.Done()
			for u := range subscribe(addr) {
				g.handle(u[0], u[1], u[2])
			}
		}(addr)
	}
}

func (g *gnmi) handle(name, key, value string) {
	if _, ok := g.lookup[name]; !ok {
		g.lookup[name] = make(map[string]map[string]any) // want `(medium|high) unguarded: (write|read) of gnmi.lookup`
	}
	if _, ok := g.lookup[name][key]; !ok {
		g.lookup[name][key] = make(map[string]any) // want `(medium|high) inner: `
	}
	g.lookup[name][key][value] = true
}

func Gather(addrs []string, subscribe func(string) <-chan [3]string) int {
	g := &gnmi{addresses: addrs}
	g.start(subscribe)
	g.wg.Wait()
	return len(g.lookup)
}
