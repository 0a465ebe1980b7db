// Correct shape: the map is complete when the constructor returns, later methods lock for other fields and read it on the side (enum tables)
package guards

import (
	"net/http"
	"sync"
)

type levels struct {
	byName map[string]int
	mu     sync.Mutex
	min    int
	drops  int
}

func newLevels(names ...string) *levels {
	l := &levels{byName: make(map[string]int, len(names))}
	for i, n := range names {
		l.byName[n] = i
	}
	return l
}

func (l *levels) setMin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.min = l.byName[name]
}

func (l *levels) drop(name string) bool {
	n, ok := l.byName[name]
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok && n >= l.min {
		return false
	}
	l.drops++
	return true
}

func (l *levels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := l.byName[r.FormValue("min")]; ok {
		l.setMin(r.FormValue("min"))
	}
	if l.drop(r.FormValue("level")) {
		w.WriteHeader(http.StatusNoContent)
	}
}

func ServeLevels() error {
	return http.ListenAndServe(":0", newLevels("debug", "info", "warn"))
}
