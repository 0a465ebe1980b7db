// Racy shape: the map is handed to a goroutine while the lock is held, the goroutine ranges over it later (metric flushers)
package escapes

import (
	"sync"
	"time"
)

type Flusher struct {
	mu     sync.Mutex
	counts map[string]int64
	sink   func(string, int64)
}

func (f *Flusher) Inc(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[name]++
}

func (f *Flusher) Drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.counts, name)
}

func (f *Flusher) emit(counts map[string]int64) {
	for name, n := range counts { // want `(medium|high) (escape|iteration|partial): range of Flusher.counts`
		f.sink(name, n)
	}
}

func (f *Flusher) Run(stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			f.mu.Lock()
			go f.emit(f.counts)
			f.mu.Unlock()
		}
	}
}
