// Correct shape: loops started by wait.Until and a method of a group, all of them take the lock around their steps (kubernetes)
package scheduler

import (
	"sync"
	"time"

	"cases/modwait/wait"
)

type Scheduler struct {
	mu    sync.Mutex
	queue map[string]time.Time
	group wait.Group
	stop  chan struct{}
}

func New() *Scheduler {
	return &Scheduler{queue: make(map[string]time.Time), stop: make(chan struct{})}
}

func (s *Scheduler) Run() {
	s.group.Start(func() { wait.Until(s.flush, time.Second, s.stop) })
	go wait.Until(s.refill, time.Second, s.stop)
}

func (s *Scheduler) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, t := range s.queue {
		if time.Since(t) > time.Minute {
			delete(s.queue, k)
		}
	}
}

func (s *Scheduler) refill() {
	s.mu.Lock()
	s.queue["self"] = time.Now()
	s.mu.Unlock()
}
