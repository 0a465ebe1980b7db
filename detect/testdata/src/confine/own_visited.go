// Correct shape: one goroutine per root, each walk makes its visited map and hands it down the recursion (garbage collectors, linkers)
package confine

import "sync"

type object struct {
	id   int
	refs []*object
}

type marker struct {
	mu   sync.Mutex
	live int
}

func (m *marker) mark(o *object, visited map[int]bool) int {
	if visited[o.id] {
		return 0
	}
	visited[o.id] = true
	n := 1
	for _, r := range o.refs {
		n += m.mark(r, visited)
	}
	return n
}

func (m *marker) markAll(roots []*object) int {
	var wg sync.WaitGroup
	for _, r := range roots {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n := m.mark(r, make(map[int]bool))
			m.mu.Lock()
			m.live += n
			m.mu.Unlock()
		}()
	}
	wg.Wait()
	return m.live
}

func Live(roots []*object) int { return new(marker).markAll(roots) }
