// Correct shape: a method hands its callers, which hold the lock, the map that it makes on demand (a generated cache's storage)
package locks

import "sync"

type attic struct {
	mu    sync.RWMutex
	boxes map[string]int
}

// made returns the boxes. The lock is held.
func (a *attic) made() map[string]int {
	if a.boxes == nil {
		a.boxes = map[string]int{}
	}
	return a.boxes
}

func (a *attic) Store(k string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made()[k] = n
}

func (a *attic) Load(k string) int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.boxes[k]
}

func (a *attic) Drop(k string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.boxes, k)
}

func NewAttic() interface {
	Store(string, int)
	Load(string) int
	Drop(string)
} {
	return &attic{}
}
