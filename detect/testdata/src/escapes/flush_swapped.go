// Correct shape: the map is swapped for a fresh one under the lock, then the old one is handed to a goroutine (metric flushers)
package escapes

import (
	"sync"
	"time"
)

type Batcher struct {
	mu     sync.Mutex
	counts map[string]int64
	sink   func(string, int64)
}

func (b *Batcher) Inc(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[name]++
}

func (b *Batcher) take() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.counts
	b.counts = make(map[string]int64, len(old))
	return old
}

func (b *Batcher) emit(counts map[string]int64) {
	for name, n := range counts {
		b.sink(name, n)
		delete(counts, name)
	}
}

func (b *Batcher) Run(stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			b.emit(b.take())
			return
		case <-tick.C:
			go b.emit(b.take())
		}
	}
}
