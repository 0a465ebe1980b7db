// Correct shape: a local closure unlocks and reports, a deferred closure locks again to clean up (upload handlers)
package guards

import (
	"errors"
	"net/http"
	"sync"
)

type uploads struct {
	mu     sync.Mutex
	active map[string]int64
}

func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	u.mu.Lock()
	fail := func(err error) {
		u.mu.Unlock()
		http.Error(w, err.Error(), http.StatusConflict)
	}
	if _, busy := u.active[id]; busy {
		fail(errors.New("busy"))
		return
	}
	u.active[id] = 0
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.active, id)
	}()
	buf := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buf)
		u.mu.Lock()
		u.active[id] += int64(n)
		u.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func ServeUploads() error {
	return http.ListenAndServe(":0", &uploads{active: map[string]int64{}})
}
