// Correct shape: the timer's closure takes the lock like everybody else and checks that it is still the one (debouncers)
package dispatch

import (
	"sync"
	"time"
)

type debouncer struct {
	mu     sync.Mutex
	timers map[string]*time.Timer
	run    func(string)
}

func (d *debouncer) call(k string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t, ok := d.timers[k]; ok {
		t.Stop()
	}
	var t *time.Timer
	t = time.AfterFunc(time.Second, func() {
		d.mu.Lock()
		if d.timers[k] != t {
			d.mu.Unlock()
			return
		}
		delete(d.timers, k)
		d.mu.Unlock()
		d.run(k)
	})
	d.timers[k] = t
}

func Debounce(keys <-chan string, run func(string)) {
	d := &debouncer{timers: map[string]*time.Timer{}, run: run}
	for k := range keys {
		d.call(k)
	}
}
