// Correct shape: Snapshot copies the map entry by entry into the struct it returns (stats structs)
package escapes

import (
	"encoding/json"
	"net/http"
	"sync"
)

type Usage struct {
	Total int
	Users map[string]int
}

type Tally struct {
	mu    sync.Mutex
	total int
	users map[string]int
}

func (t *Tally) Observe(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total++
	t.users[user]++
}

func (t *Tally) Snapshot() Usage {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := Usage{Total: t.total, Users: make(map[string]int, len(t.users))}
	for k, v := range t.users {
		u.Users[k] = v
	}
	return u
}

func (t *Tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.Observe(r.RemoteAddr)
	_ = json.NewEncoder(w).Encode(t.Snapshot())
}
