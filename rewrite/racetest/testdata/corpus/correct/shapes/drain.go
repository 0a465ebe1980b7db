package shapes

import "sync"

// A Queue hands out what it has and starts over.
type Queue struct {
	mu      sync.Mutex
	pending map[string]int
}

// NewQueue is empty.
func NewQueue() *Queue { return &Queue{pending: map[string]int{}} }

// Push adds.
func (q *Queue) Push(k string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending[k]++
}

// Drain takes everything: the map is nobody else's from then on.
func (q *Queue) Drain() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := q.pending
	q.pending = map[string]int{}
	return old
}
