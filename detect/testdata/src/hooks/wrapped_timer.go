// Correct shape: a method returns its argument wrapped in a literal that takes the lock, timers are given the wrapped function (nats wrapChk)
package hooks

import (
	"sync"
	"time"
)

type statsServer struct {
	mu      sync.Mutex
	running bool
	clients map[int]string
}

func (s *statsServer) wrapped(f func()) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.running {
			f()
		}
	}
}

func (s *statsServer) heartbeat() { println(len(s.clients)) }

func (s *statsServer) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = true
	time.AfterFunc(time.Second, s.wrapped(s.heartbeat))
}

func (s *statsServer) add(id int, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[id] = name
}

func (s *statsServer) remove(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, id)
}

func (s *statsServer) name(id int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[id]
}

func (s *statsServer) Accept(ids chan int) {
	for id := range ids {
		go func() {
			s.add(id, "client")
			println(s.name(id))
			s.remove(id)
		}()
	}
}
