// Racy shape: getter called with the lock by two callers and without by a goroutine, the writer runs in the main loop without (temporal test env)
package guards

import "sync"

type activityHandle struct{ heartbeat func() }

type testEnv struct {
	locker     sync.Mutex
	activities map[string]*activityHandle
	results    chan string
}

func (e *testEnv) getHandle(id string) (*activityHandle, bool) {
	h, ok := e.activities[id]
	return h, ok
}

func (e *testEnv) recordHeartbeat(id string) {
	e.locker.Lock()
	defer e.locker.Unlock()
	if h, ok := e.getHandle(id); ok {
		h.heartbeat()
	}
}

func (e *testEnv) start(id string, run func(*testEnv) error) {
	e.activities[id] = &activityHandle{}
	go func() {
		_ = run(e)
		e.recordHeartbeat(id)
		e.results <- id
	}()
}

func (e *testEnv) Loop(todo map[string]func(*testEnv) error) {
	for id, run := range todo {
		e.start(id, run)
	}
	for range todo {
		delete(e.activities, <-e.results) // want `(medium|high) (unguarded|partial): (write|delete) of testEnv.activities`
	}
}
