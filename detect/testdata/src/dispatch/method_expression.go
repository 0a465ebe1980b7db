// Racy shape: loops are started from a table of method expressions, they share the object's map (service runners)
package dispatch

import "time"

type cacheService struct {
	entries map[string]time.Time
	in      chan string
}

func (s *cacheService) fill() {
	for k := range s.in {
		s.entries[k] = time.Now()
	}
}

func (s *cacheService) expire() {
	for now := range time.Tick(time.Second) {
		for k, t := range s.entries {
			if now.Sub(t) > time.Minute {
				delete(s.entries, k) // want `(medium|high) unguarded: .* of cacheService.entries`
			}
		}
	}
}

func RunCache(in chan string) *cacheService {
	s := &cacheService{entries: map[string]time.Time{}, in: in}
	for _, loop := range []func(*cacheService){(*cacheService).fill, (*cacheService).expire} {
		go loop(s)
	}
	return s
}
