// Racy shape: the lock is given back inside the loop over the map and only taken again after it (connection sweeps)
package guards

import "sync"

type drainer struct {
	mu    sync.Mutex
	conns map[string]func() error
}

func (d *drainer) add(k string, stop func() error) {
	d.mu.Lock()
	d.conns[k] = stop
	d.mu.Unlock()
}

func (d *drainer) drop(k string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, k)
}

func (d *drainer) has(k string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conns[k] != nil
}

func (d *drainer) drain() (last error) {
	d.mu.Lock()
	locked := true
	for _, stop := range d.conns { // want `(medium|high) (iteration|partial|escape): range of drainer.conns`
		if locked {
			d.mu.Unlock()
			locked = false
		}
		if err := stop(); err != nil {
			last = err
		}
	}
	return last
}

func (d *drainer) Run(names <-chan string) {
	go func() { _ = d.drain() }()
	for n := range names {
		d.add(n, nil)
		if d.has(n) {
			d.drop(n)
		}
	}
}
