// Correct shape: the program's main starts its one server before anything else runs; only a package of test helpers starts servers in goroutines (nats-server/test)
package server

import "sync"

// Server accepts clients once it has started.
type Server struct {
	mu      sync.Mutex
	clients map[string]int
	limits  map[string]int
}

func New() *Server { return &Server{clients: map[string]int{}} }

// Start is called once, by main.
func (s *Server) Start(accept <-chan string) {
	s.setLimits(map[string]int{"conns": 64})
	go s.serve(accept)
}

func (s *Server) setLimits(limits map[string]int) {
	s.limits = limits
	for k := range limits {
		s.limits[k]++ // want-tests `(medium|high) [a-z-]+: update of Server.limits`
	}
}

func (s *Server) serve(accept <-chan string) {
	for name := range accept {
		s.mu.Lock()
		s.clients[name]++
		s.mu.Unlock()
	}
}
