// Racy shape: another type reaches into the map of a struct with an embedded mutex without locking it (cadence hostEnv)
package guards

import "sync"

type activity func(...any) error

type hostEnv struct {
	sync.Mutex
	activities map[string]activity
}

func (h *hostEnv) register(name string, a activity) {
	h.Lock()
	defer h.Unlock()
	h.activities[name] = a
}

func (h *hostEnv) lookup(name string) (activity, bool) {
	h.Lock()
	defer h.Unlock()
	a, ok := h.activities[name]
	return a, ok
}

func (h *hostEnv) unregister(name string) {
	h.Lock()
	defer h.Unlock()
	delete(h.activities, name)
}

type taskHandler struct {
	env *hostEnv
}

func (t *taskHandler) names() (out []string) {
	for name := range t.env.activities { // want `(medium|high) iteration: range of hostEnv.activities without hostEnv.Mutex in \(\*taskHandler\).names.*, which 3 of 4 accesses hold; `
		out = append(out, name)
	}
	return out
}

func (t *taskHandler) Poll(tasks <-chan string) {
	for range 4 {
		go func() {
			for name := range tasks {
				if a, ok := t.env.lookup(name); !ok || a() != nil {
					t.env.unregister(name)
					_ = t.names()
				}
			}
		}()
	}
}

func (t *taskHandler) Register(name string, a activity) { t.env.register(name, a) }
