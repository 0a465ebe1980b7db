package cache

import (
	"sync"
	"time"
)

// Imitates the session stores with a janitor that forgot the lock.

// Sessions expire.
type Sessions struct {
	mu   sync.Mutex
	seen map[string]time.Time // racy
	stop chan struct{}
}

// NewSessions starts a janitor, which Close ends.
func NewSessions(every time.Duration) *Sessions {
	s := &Sessions{seen: make(map[string]time.Time), stop: make(chan struct{})}
	go s.clean(every)
	return s
}

func (s *Sessions) clean(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case now := <-t.C:
			for id, at := range s.seen {
				if now.Sub(at) > every {
					delete(s.seen, id)
				}
			}
		}
	}
}

// Touch keeps a session alive.
func (s *Sessions) Touch(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[id] = time.Now()
}

// Close ends the janitor.
func (s *Sessions) Close() { close(s.stop) }
