// Correct shape: the unlock sits in a deferred closure that also recovers from panics (plugin hosts)
package guards

import (
	"fmt"
	"sync"
)

type pluginHost struct {
	mu    sync.Mutex
	state map[string]string
}

func (h *pluginHost) call(name string, f func(string) string) (err error) {
	h.mu.Lock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", name, r)
			h.state[name] = "failed"
		}
		h.mu.Unlock()
	}()
	h.state[name] = f(h.state[name])
	return nil
}

func (h *pluginHost) remove(name string) {
	h.mu.Lock()
	delete(h.state, name)
	h.mu.Unlock()
}

func Host(names <-chan string, f func(string) string) {
	h := &pluginHost{state: map[string]string{}}
	for range 3 {
		go func() {
			for n := range names {
				if h.call(n, f) != nil {
					h.remove(n)
				}
			}
		}()
	}
}
