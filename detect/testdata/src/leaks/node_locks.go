// Racy shape: lock tables per node are made on demand, entries come and go, nodes never do (minio local locks, hostname caches)
package leaks

import "sync"

type nodeLocks struct {
	mu    sync.RWMutex
	nodes map[string]map[string]int // quiet leak
}

func (n *nodeLocks) table(node string) map[string]int {
	t, ok := n.nodes[node]
	if !ok {
		t = map[string]int{}
		n.nodes[node] = t
	}
	return t
}

func (n *nodeLocks) acquire(node, res string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.table(node)
	if t[res] > 0 {
		return false
	}
	t[res]++
	return true
}

func (n *nodeLocks) release(node, res string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.table(node), res)
}

func (n *nodeLocks) held(node string) int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.nodes[node])
}

func (n *nodeLocks) Serve(reqs <-chan [2]string) {
	for range 4 {
		go func() {
			for r := range reqs {
				if n.acquire(r[0], r[1]) && n.held(r[0]) > 0 {
					n.release(r[0], r[1])
				}
			}
		}()
	}
}
