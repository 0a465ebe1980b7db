// Correct shape: element fetched under the map's lock, its fields used under a lock of its own (syncthing device connections)
package elements

import (
	"sync"
	"time"
)

type device struct {
	mu       sync.Mutex
	lastSeen time.Time
	errs     int
}

type DeviceTable struct {
	mu      sync.RWMutex
	devices map[string]*device
}

func (t *DeviceTable) lookup(id string) *device {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.devices[id]
}

func (t *DeviceTable) Add(id string) {
	t.mu.Lock()
	t.devices[id] = &device{}
	t.mu.Unlock()
}

func (t *DeviceTable) Touch(id string, err error) {
	d := t.lookup(id)
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lastSeen = time.Now()
	if err != nil {
		d.errs++
	}
}

func (t *DeviceTable) Watch(events <-chan string) {
	for range 4 {
		go func() {
			for id := range events {
				t.Touch(id, nil)
			}
		}()
	}
}
