// Racy shape: a function of one line reads before it takes the lock, and writes under it
package guards

import "sync"

type ticket struct {
	mu sync.Mutex
	n  map[int]int // maps of tickets
}

func (t *ticket) next(k int) int { n := t.n[k]; t.mu.Lock(); t.n[k] = n + 1; t.mu.Unlock(); return n } // want `high partial: read of ticket.n`

func (t *ticket) drop(k int) { t.mu.Lock(); delete(t.n, k); t.mu.Unlock() }

func Tickets() {
	t := &ticket{n: map[int]int{}}
	for range 2 {
		go t.next(1)
		go t.drop(1)
	}
}
