// Racy shape: a helper returns the row it looked up under the lock and its caller adds to it outside (watch hubs)
package rows

import "sync"

type watcher chan string

type watchHub struct {
	mu     sync.Mutex
	byPath map[string]map[watcher]struct{}
}

func (h *watchHub) row(path string) map[watcher]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.byPath[path]
	if !ok {
		r = make(map[watcher]struct{})
		h.byPath[path] = r
	}
	return r
}

func (h *watchHub) watch(path string) watcher {
	w := make(watcher, 1)
	h.row(path)[w] = struct{}{} // want `(medium|high) (inner|escape)`
	return w
}

func (h *watchHub) unwatch(path string, w watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.byPath[path], w)
	if len(h.byPath[path]) == 0 {
		delete(h.byPath, path)
	}
}

func (h *watchHub) Serve(paths <-chan string) {
	for range 4 {
		go func() {
			for p := range paths {
				h.unwatch(p, h.watch(p))
			}
		}()
	}
}
