// Racy shape: the iterator is made under the lock and ranged over after Unlock, which reads the map only then (broadcast loops)
package escapes

import (
	"maps"
	"sync"
)

type fanout struct {
	mu    sync.Mutex
	sinks map[int]chan string
}

func (f *fanout) attach(id int, c chan string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sinks[id] = c
}

func (f *fanout) detach(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sinks, id)
}

func (f *fanout) Serve(in chan string, ids chan int) {
	go func() {
		for id := range ids {
			f.attach(id, make(chan string, 1))
			f.detach(id - 1)
		}
	}()
	for s := range in {
		f.mu.Lock()
		all := maps.Values(f.sinks)
		f.mu.Unlock()
		for c := range all { // want `high escape: range of fanout.sinks .* after fanout.mu was released`
			c <- s
		}
	}
}
