// Correct shape: Start makes the map and its goroutine, Stop waits for the goroutine and forgets the map (restartable services)
package contexts2

import (
	"sync"
	"time"
)

type meterService struct {
	mu     sync.Mutex // guards quit and running
	quit   chan struct{}
	wg     sync.WaitGroup
	counts map[string]int
	read   func() []string
}

func (s *meterService) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quit != nil {
		return
	}
	s.quit = make(chan struct{})
	s.counts = make(map[string]int)
	s.wg.Add(1)
	go s.loop(s.quit)
}

func (s *meterService) loop(quit <-chan struct{}) {
	defer s.wg.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
			for _, k := range s.read() {
				s.counts[k]++
			}
		}
	}
}

func (s *meterService) Stop() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quit == nil {
		return nil
	}
	close(s.quit)
	s.wg.Wait()
	s.quit = nil
	out := s.counts
	s.counts = nil
	return out
}

func Meter(read func() []string, pause func()) int {
	s := &meterService{read: read}
	n := 0
	for range 3 {
		s.Start()
		pause()
		n += len(s.Stop())
	}
	return n
}
