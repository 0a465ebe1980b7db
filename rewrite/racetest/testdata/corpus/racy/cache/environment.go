package cache

import (
	"runtime"
	"sync"
)

// Imitates a workflow SDK's test environment: the state that environments share is embedded by
// pointer, and no constructor makes one for a test.

type shared struct {
	mu         sync.Mutex
	activities map[string]int // racy
	workers    int
}

// Environment runs activities.
type Environment struct {
	*shared
	name string
}

// Done counts an activity that has come to its end.
func (e *Environment) Done(activity string) {
	if e.workers == 0 {
		e.workers = 1
	}
	e.activities[activity]++
}

// Running tells whether an activity has not.
func (e *Environment) Running(activity string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.activities[activity] < runtime.GOMAXPROCS(0)
}

// Wait reports one activity as done in the background, and another one here.
func (e *Environment) Wait(one, other string) bool {
	go e.Done(one)
	return e.Running(other)
}
