// Correct shape: fields of elements are only touched under the lock of the map that holds them, through helpers and method calls (session managers)
package elements

import (
	"net/http"
	"sync"
	"time"
)

type loginState struct {
	user  string
	seen  time.Time
	fails int
}

func (l *loginState) touch() { l.seen = time.Now() }

type loginTable struct {
	mu     sync.Mutex
	states map[string]*loginState
}

func (t *loginTable) stateLocked(user string) *loginState {
	s, ok := t.states[user]
	if !ok {
		s = &loginState{user: user}
		t.states[user] = s
	}
	s.touch()
	return s
}

func (t *loginTable) failed(user string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stateLocked(user)
	s.fails++
	return s.fails
}

func (t *loginTable) reset(user string) {
	t.mu.Lock()
	t.stateLocked(user).fails = 0
	t.mu.Unlock()
}

func (t *loginTable) oldest() (name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := time.Now()
	for u, s := range t.states {
		if s.seen.Before(first) {
			name, first = u, s.seen
		}
	}
	return name
}

func (t *loginTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u := r.FormValue("user"); t.failed(u) > 3 {
		w.WriteHeader(http.StatusForbidden)
	} else {
		t.reset(u)
	}
	w.Header().Set("X-Oldest", t.oldest())
}

func ServeLogins() error {
	return http.ListenAndServe(":0", &loginTable{states: map[string]*loginState{}})
}
