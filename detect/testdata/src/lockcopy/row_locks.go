// Correct shape: each row of a nested map has a lock of its own beside it, under the same key (per-tenant counters)
package lockcopy

import (
	"net/http"
	"sync"
)

var tenantLocks = map[string]*sync.Mutex{"a": {}, "b": {}}
var tenantHits = map[string]map[string]int{"a": {}, "b": {}}

type tenants struct {
	locks map[string]*sync.Mutex
	hits  map[string]map[string]int
}

func (t *tenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lock := t.locks[r.Host]
	lock.Lock()
	t.hits[r.Host][r.URL.Path]++
	lock.Unlock()
	tenantLocks[r.Host].Lock()
	tenantHits[r.Host][r.URL.Path]++
	tenantLocks[r.Host].Unlock()
}

func ServeTenants(t *tenants) { http.ListenAndServe(":80", t) }
