// Racy shape: a rotation goroutine swaps two generations of a map without a lock while requests count into the current one (sliding windows)
package replaced

import (
	"net/http"
	"time"
)

type slidingWindow struct {
	current  map[string]int
	previous map[string]int
}

func (s *slidingWindow) rotate() {
	for range time.Tick(time.Minute) {
		s.previous = s.current
		s.current = make(map[string]int)
	}
}

func (s *slidingWindow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.current[r.RemoteAddr]++ // want `(medium|high) (unguarded|replaced): .* of slidingWindow.current`
	if s.current[r.RemoteAddr] > 100 {
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func ServeWindow() error {
	s := &slidingWindow{current: map[string]int{}}
	go s.rotate()
	return http.ListenAndServe(":0", s)
}
