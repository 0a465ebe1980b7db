// Correct shape: a range-over-func method locks, yields and unlocks; the loop's body and its own maps run inline (Go 1.23 iterators)
package iterators

import (
	"iter"
	"sync"
)

type inventory struct {
	mu    sync.RWMutex
	stock map[string]int
}

func (v *inventory) all() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		v.mu.RLock()
		defer v.mu.RUnlock()
		for k, n := range v.stock {
			if !yield(k, n) {
				return
			}
		}
	}
}

func (v *inventory) add(k string, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stock[k] += n
}

func (v *inventory) lowest(below int) map[string]int {
	out := make(map[string]int)
	for k, n := range v.all() {
		if n < below {
			out[k] = n
		}
	}
	return out
}

func (v *inventory) Restock(orders <-chan string) {
	for range 2 {
		go func() {
			for o := range orders {
				v.add(o, 10)
				for k := range v.lowest(5) {
					v.add(k, 5)
				}
			}
		}()
	}
}
