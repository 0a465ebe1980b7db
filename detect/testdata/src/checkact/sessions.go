// Racy shape: miss under RLock, create outside, store under Lock without looking again (dapr grpc pool, session tables)
package checkact

import (
	"sync"
	"time"
)

type session struct {
	user  string
	since time.Time
}

type SessionTable struct {
	mu       sync.RWMutex
	sessions map[string]*session
}

func (t *SessionTable) Acquire(user string) *session {
	t.mu.RLock()
	s, ok := t.sessions[user]
	t.mu.RUnlock()
	if ok {
		return s
	}
	s = &session{user: user, since: time.Now()}
	t.mu.Lock()
	t.sessions[user] = s // want `check-then-act`
	t.mu.Unlock()
	return s
}

func (t *SessionTable) Drop(user string) {
	t.mu.Lock()
	delete(t.sessions, user)
	t.mu.Unlock()
}

func (t *SessionTable) Serve(requests <-chan string) {
	for range 8 {
		go func() {
			for user := range requests {
				t.Acquire(user)
			}
		}()
	}
}
