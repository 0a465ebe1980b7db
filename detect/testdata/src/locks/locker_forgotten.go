// Racy shape: a part locks its owner through the sync.Locker that it was given, except on one
// path (a web seed's status line).
package locks

import "sync"

type fleet struct {
	mu    sync.Mutex
	tasks map[string]int
}

type truck struct {
	locker sync.Locker
	fleet  *fleet
}

func (f *fleet) Add(k string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tasks[k]++
	t := &truck{locker: &f.mu, fleet: f}
	go t.deliver(k)
}

func (f *fleet) Has(k string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.tasks[k]
	return ok
}

func (f *fleet) Drop(k string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tasks, k)
}

func (f *fleet) Rename(from, to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tasks[to] = f.tasks[from]
}

func (t *truck) deliver(k string) {
	if t.fleet.tasks[k] > 1 { // want `partial: read of fleet.tasks without fleet.mu in \(\*truck\).deliver`
		return
	}
	t.locker.Lock()
	defer t.locker.Unlock()
	delete(t.fleet.tasks, k)
}

func NewFleet() *fleet { return &fleet{tasks: map[string]int{}} }
