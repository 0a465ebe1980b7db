// Correct shape: a loop over TryLock ends with the lock held, a helper gives up after some tries (hot paths of schedulers)
package guards

import (
	"runtime"
	"sync"
)

type hotTable struct {
	mu   sync.Mutex
	runs map[int]int
}

func (h *hotTable) acquire(tries int) bool {
	for range tries {
		if h.mu.TryLock() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

func (h *hotTable) bump(id int) {
	for !h.mu.TryLock() {
		runtime.Gosched()
	}
	defer h.mu.Unlock()
	h.runs[id]++
}

func (h *hotTable) drop(id int) bool {
	if !h.acquire(10) {
		return false
	}
	delete(h.runs, id)
	h.mu.Unlock()
	return true
}

func Spin(ids <-chan int) {
	h := &hotTable{runs: map[int]int{}}
	for range 4 {
		go func() {
			for id := range ids {
				h.bump(id)
				h.drop(id)
			}
		}()
	}
}
