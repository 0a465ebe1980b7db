// Correct shape: the loop is the only writer and locks when it writes; it reads its own map without, everyone else under RLock (raft followers)
package guards

import (
	"net/http"
	"sync"
)

type follower struct {
	mu     sync.RWMutex
	offset map[string]int64
	in     chan string
}

func (f *follower) loop() {
	for topic := range f.in {
		next := f.offset[topic] + 1 // no one else writes
		if next%2 == 0 {
			continue
		}
		f.mu.Lock()
		f.offset[topic] = next
		f.mu.Unlock()
	}
}

func (f *follower) lag(topic string, head int64) int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return head - f.offset[topic]
}

func (f *follower) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.lag(r.FormValue("topic"), 100) > 10 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func Follow(in chan string) error {
	f := &follower{offset: map[string]int64{}, in: in}
	go f.loop()
	return http.ListenAndServe(":0", f)
}
