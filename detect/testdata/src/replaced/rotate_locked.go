// Correct shape: the rotation swaps the generations under the lock, counters hold it too and look into both (sliding windows)
package replaced

import (
	"net/http"
	"sync"
	"time"
)

type twoWindows struct {
	mu       sync.Mutex
	current  map[string]int
	previous map[string]int
}

func (t *twoWindows) rotate() {
	for range time.Tick(time.Minute) {
		t.mu.Lock()
		t.previous, t.current = t.current, make(map[string]int)
		t.mu.Unlock()
	}
}

func (t *twoWindows) hit(k string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current[k]++
	return t.current[k] + t.previous[k]
}

func (t *twoWindows) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if t.hit(r.RemoteAddr) > 100 {
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func ServeTwoWindows() error {
	t := &twoWindows{current: map[string]int{}, previous: map[string]int{}}
	go t.rotate()
	return http.ListenAndServe(":0", t)
}
