// Racy shape: the map in an atomic.Value is counted in by every request instead of being replaced (home-made copy-on-write)
package boxes

import (
	"net/http"
	"sync/atomic"
)

type hitTable struct {
	byPath atomic.Value // map[string]int
}

func newHitTable() *hitTable {
	t := new(hitTable)
	t.byPath.Store(map[string]int{})
	return t
}

func (t *hitTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, ok := t.byPath.Load().(map[string]int)
	if !ok {
		return
	}
	m[r.URL.Path]++ // want `medium unguarded: update of hitTable.byPath without a lock`
}

func ServeHits() error { return http.ListenAndServe(":0", newHitTable()) }
