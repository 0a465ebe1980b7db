// Racy shape: the loop over the entries calls a method that takes the lock inside, the loop itself holds none (etcd leaseCache.LockWriteOps)
package guards

import "sync"

type leaseEntry struct{ waitc chan struct{} }

type leaseCache struct {
	mu      sync.RWMutex
	entries map[string]*leaseEntry
}

func (lc *leaseCache) add(key string) {
	lc.mu.Lock()
	defer lc.mu.Unlock()
	lc.entries[key] = &leaseEntry{}
}

func (lc *leaseCache) evict(key string) {
	lc.mu.Lock()
	defer lc.mu.Unlock()
	delete(lc.entries, key)
}

func (lc *leaseCache) lock(key string) chan<- struct{} {
	lc.mu.Lock()
	defer lc.mu.Unlock()
	e := lc.entries[key]
	if e == nil {
		return nil
	}
	e.waitc = make(chan struct{})
	return e.waitc
}

func (lc *leaseCache) lockWriteOps(prefix string) (out []chan<- struct{}) {
	for k := range lc.entries { // want `(medium|high) iteration: range of leaseCache.entries without leaseCache.mu.*, which 3 of 4 accesses hold; `
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
			out = append(out, lc.lock(k))
		}
	}
	return out
}

type leasing struct{ cache leaseCache }

func (l *leasing) Commit(prefix string, done <-chan struct{}) {
	for _, w := range l.cache.lockWriteOps(prefix) {
		go func() {
			<-done
			close(w)
		}()
	}
}

func (l *leasing) Acquire(keys <-chan string) {
	for k := range keys {
		l.cache.add(k)
		go l.cache.evict(k)
	}
}
