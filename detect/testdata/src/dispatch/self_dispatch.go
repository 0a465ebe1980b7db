// Racy shape: Pop goes through an interface that the caller's own type implements too, the guard sits two frames up (kubernetes 79631 heap)
package dispatch

import "sync"

type popper interface{ Pop() string }

func popFrom(h popper) string { return h.Pop() }

type prioData struct {
	items map[string]int
	order []string
}

func (d *prioData) Pop() string {
	k := d.order[len(d.order)-1]
	d.order = d.order[:len(d.order)-1]
	delete(d.items, k)
	return k
}

type prioHeap struct{ data *prioData }

func (h *prioHeap) Pop() string { return popFrom(h.data) }

func (h *prioHeap) get(k string) (int, bool) {
	p, ok := h.data.items[k] // want `(medium|high) (partial|unguarded): .* of prioData.items`
	return p, ok
}

type prioQueue struct {
	lock sync.Mutex
	heap *prioHeap
}

func (q *prioQueue) flushCompleted() {
	q.lock.Lock()
	defer q.lock.Unlock()
	if len(q.heap.data.order) > 0 {
		q.heap.Pop()
	}
}

func forever(f func()) {
	for {
		f()
	}
}

func newPrioQueue() *prioQueue {
	q := &prioQueue{heap: &prioHeap{&prioData{items: map[string]int{}}}}
	go forever(q.flushCompleted)
	return q
}

func Schedule(keys []string) (n int) {
	q := newPrioQueue()
	for _, k := range keys {
		if _, ok := q.heap.get(k); ok {
			n++
		}
	}
	return n
}
