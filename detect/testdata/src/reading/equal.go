// Racy shape: a reconcile loop compares the live map with the wanted one by maps.Equal without the lock (operators)
package reading

import (
	"maps"
	"sync"
)

type labelSync struct {
	mu   sync.Mutex
	have map[string]string
	push func(map[string]string)
}

func (l *labelSync) set(k, v string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have[k] = v
}

func (l *labelSync) unset(k string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.have, k)
}

func (l *labelSync) reconcile(want map[string]string) {
	if maps.Equal(l.have, want) { // want `(medium|high) (iteration|partial): range of labelSync.have without labelSync.mu.*, which 2 of 3 accesses hold; `
		return
	}
	for k, v := range want {
		l.set(k, v)
	}
}

func (l *labelSync) Run(wants <-chan map[string]string, gone <-chan string) {
	go func() {
		for w := range wants {
			l.reconcile(w)
		}
	}()
	for k := range gone {
		l.unset(k)
	}
}
