// Correct shape: an anonymous package variable keeps a mutex and a map together, all functions lock it (metric registries)
package guards

import "sync"

var counters struct {
	sync.Mutex
	byName map[string]int64
}

func CountEvent(name string) {
	counters.Lock()
	defer counters.Unlock()
	if counters.byName == nil {
		counters.byName = make(map[string]int64)
	}
	counters.byName[name]++
}

func EventCount(name string) int64 {
	counters.Lock()
	defer counters.Unlock()
	return counters.byName[name]
}

func ResetEvents() {
	counters.Lock()
	counters.byName = nil
	counters.Unlock()
}

func CountAll(events <-chan string) {
	for range 4 {
		go func() {
			for e := range events {
				CountEvent(e)
				if EventCount(e) > 1e6 {
					ResetEvents()
				}
			}
		}()
	}
}
