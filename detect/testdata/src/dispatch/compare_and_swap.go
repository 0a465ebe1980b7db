// Correct shape: copy-on-write by compare-and-swap of an atomic.Pointer to the map (lock-free registries)
package dispatch

import (
	"net/http"
	"sync/atomic"
)

type hostTable struct {
	hosts atomic.Pointer[map[string]int]
}

func newHostTable() *hostTable {
	t := &hostTable{}
	t.hosts.Store(&map[string]int{})
	return t
}

func (t *hostTable) bump(host string) {
	for {
		old := t.hosts.Load()
		next := make(map[string]int, len(*old)+1)
		for k, n := range *old {
			next[k] = n
		}
		next[host]++
		if t.hosts.CompareAndSwap(old, &next) {
			return
		}
	}
}

func (t *hostTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.bump(r.Host)
	if (*t.hosts.Load())[r.Host] > 100 {
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func ServeHosts() error { return http.ListenAndServe(":0", newHostTable()) }
