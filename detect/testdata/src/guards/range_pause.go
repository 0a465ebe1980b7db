// Correct shape: the lock is given back around the callback inside the loop, every step over the map holds it (connection sweeps)
package guards

import "sync"

type sweeper struct {
	mu    sync.Mutex
	conns map[string]func() error
}

func (s *sweeper) add(k string, ping func() error) {
	s.mu.Lock()
	s.conns[k] = ping
	s.mu.Unlock()
}

// sweep pings every connection. Entries that come or go meanwhile may be missed.
func (s *sweeper) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, ping := range s.conns {
		s.mu.Unlock()
		err := ping()
		s.mu.Lock()
		if err != nil {
			delete(s.conns, k)
		}
	}
}

func (s *sweeper) Run(names <-chan string) {
	go s.sweep()
	for n := range names {
		s.add(n, func() error { return nil })
	}
}
