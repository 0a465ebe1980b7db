// Racy shape: callbacks collected under the lock run after Unlock, one of them touches the guarded map (watch notifications)
package guards

import "sync"

type kvWatch struct {
	mu       sync.Mutex
	vals     map[string]string
	watchers []func(k, v string)
}

func (w *kvWatch) set(k, v string) {
	w.mu.Lock()
	w.vals[k] = v
	run := append([]func(string, string){}, w.watchers...)
	w.mu.Unlock()
	for _, f := range run {
		f(k, v)
	}
}

func (w *kvWatch) get(k string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.vals[k]
}

func (w *kvWatch) unset(k string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.vals, k)
}

func (w *kvWatch) mirror(from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watchers = append(w.watchers, func(k, v string) {
		if k == from {
			w.vals[to] = v // want `(medium|high) partial: write of kvWatch.vals without kvWatch.mu`
		}
	})
}

func Mirror(updates <-chan [2]string) {
	w := &kvWatch{vals: map[string]string{}}
	w.mirror("a", "b")
	for range 2 {
		go func() {
			for u := range updates {
				if w.get(u[0]) != u[1] {
					w.set(u[0], u[1])
				} else {
					w.unset(u[0])
				}
			}
		}()
	}
}
