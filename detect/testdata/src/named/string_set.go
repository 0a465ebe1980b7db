// Racy shape: methods of a named set are called under the lock in all places but the health probe
package named

import "sync"

type stringSet map[string]struct{}

func (s stringSet) add(k string)      { s[k] = struct{}{} }
func (s stringSet) remove(k string)   { delete(s, k) }
func (s stringSet) has(k string) bool { _, ok := s[k]; return ok } // want `(medium|high) partial: read of nodeGroup.down without nodeGroup.mu in stringSet.has|(medium|high) partial: read of nodeGroup.down`

type nodeGroup struct {
	mu   sync.Mutex
	down stringSet
}

func (g *nodeGroup) fail(n string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down.add(n)
}

func (g *nodeGroup) recovered(n string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down.remove(n)
}

func (g *nodeGroup) pick(nodes []string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range nodes {
		if !g.down.has(n) {
			return n
		}
	}
	return ""
}

func (g *nodeGroup) healthy(n string) bool { return !g.down.has(n) }

func (g *nodeGroup) Run(nodes []string, ping func(string) bool) {
	for _, n := range nodes {
		go func() {
			if ping(n) {
				g.recovered(n)
			} else if g.healthy(n) {
				g.fail(n)
			}
			_ = g.pick(nodes)
		}()
	}
}
