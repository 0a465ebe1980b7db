// Correct shape: the body is decoded over the live struct inside the critical section (small config services)
package escapes

import (
	"encoding/json"
	"net/http"
	"sync"
)

type Quotas struct {
	mu  sync.Mutex
	Max map[string]int
}

func (q *Quotas) Allowed(user string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.Max[user]
}

func (q *Quotas) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := json.NewDecoder(r.Body).Decode(q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}
