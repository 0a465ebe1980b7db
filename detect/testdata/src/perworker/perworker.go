// Package perworker: each goroutine works on an object of its own, which it hands
// around inside: to recursive closures, visitors, helpers with named results.
package perworker

import (
	"sort"
	"strings"
	"sync"
)

type node struct {
	name string
	kids []*node
}

type walker struct {
	seen  map[string]bool
	count map[string]int
	names []string
}

// A recursive closure is stored in a variable that it captures itself: correct.
func (w *walker) walk(root *node) {
	var visit func(n *node)
	visit = func(n *node) {
		w.seen[n.name] = true
		for _, k := range n.kids {
			visit(k)
		}
	}
	visit(root)
}

// A named result that a deferred call may change is a variable like any other.
func (w *walker) total(prefix string) (n int, err error) {
	defer func() {
		if recover() != nil {
			n = -1
		}
	}()
	if done, ok := w.count[prefix]; ok {
		return done, nil
	}
	for name := range w.seen {
		if strings.HasPrefix(name, prefix) {
			w.count[prefix]++
		}
	}
	w.names = append(w.names, prefix)
	sort.Slice(w.names, func(i, j int) bool { return w.count[w.names[i]] < w.count[w.names[j]] })
	n = w.count[prefix]
	return n, nil
}

// Scan starts a worker per tree: each has a walker of its own.
func Scan(trees []*node) []int {
	totals := make([]int, len(trees))
	var wg sync.WaitGroup
	for i, t := range trees {
		wg.Go(func() {
			w := &walker{seen: map[string]bool{}, count: map[string]int{}}
			w.walk(t)
			totals[i], _ = w.total("a")
		})
	}
	wg.Wait()
	return totals
}

// The same walker given to all workers is another matter.
type shared struct {
	seen map[string]bool
}

func (s *shared) walk(root *node) {
	var visit func(n *node)
	visit = func(n *node) {
		s.seen[n.name] = true // want `high unguarded: write of shared.seen without a lock`
		for _, k := range n.kids {
			visit(k)
		}
	}
	visit(root)
}

func ScanShared(trees []*node) {
	s := &shared{seen: map[string]bool{}}
	var wg sync.WaitGroup
	for _, t := range trees {
		wg.Go(func() { s.walk(t) })
	}
	wg.Wait()
}
