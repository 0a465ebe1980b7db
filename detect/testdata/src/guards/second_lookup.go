// Racy shape: get-or-create under the locks, then the entry is looked up once more after Unlock (dapr timers)
package guards

import (
	"sync"
	"sync/atomic"
)

type timerCounts struct {
	lock   sync.RWMutex
	counts map[string]*int64
}

func (t *timerCounts) add(actor string, n int64) int64 {
	t.lock.RLock()
	_, ok := t.counts[actor]
	t.lock.RUnlock()
	if !ok {
		t.lock.Lock()
		if _, ok = t.counts[actor]; !ok {
			t.counts[actor] = new(int64)
		}
		t.lock.Unlock()
	}
	return atomic.AddInt64(t.counts[actor], n) // want `(medium|high) partial: read of timerCounts.counts without timerCounts.lock`
}

func (t *timerCounts) forget(actor string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	delete(t.counts, actor)
}

func (t *timerCounts) Run(events <-chan string) {
	for range 2 {
		go func() {
			for a := range events {
				if t.add(a, 1) > 100 {
					t.forget(a)
				}
			}
		}()
	}
}
