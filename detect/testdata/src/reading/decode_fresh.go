// Correct shape: the new map is decoded aside and put in place under the lock (config reload)
package reading

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"
)

type limits struct {
	mu     sync.RWMutex
	values map[string]int
	path   string
}

func (l *limits) reload() error {
	f, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer f.Close()
	next := map[string]int{}
	if err := json.NewDecoder(f).Decode(&next); err != nil {
		return err
	}
	l.mu.Lock()
	l.values = next
	l.mu.Unlock()
	return nil
}

func (l *limits) get(k string) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.values[k]
}

func (l *limits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > int64(l.get(r.URL.Path)) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
}

func ServeLimits(path string) error {
	l := &limits{values: map[string]int{}, path: path}
	if err := l.reload(); err != nil {
		return err
	}
	go func() {
		for range time.Tick(time.Minute) {
			_ = l.reload()
		}
	}()
	return http.ListenAndServe(":0", l)
}
