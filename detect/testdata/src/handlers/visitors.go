// Racy shape: init starts the clean-up of a visitors map, it deletes without the mutex that the handler takes (rate limiting by IP)
package handlers

import (
	"net/http"
	"sync"
	"time"
)

var (
	visitorsMu sync.Mutex
	visitors   = make(map[string]time.Time)
)

func init() { go cleanupVisitors() }

func cleanupVisitors() {
	for range time.Tick(time.Minute) {
		for ip, last := range visitors {
			if time.Since(last) > 3*time.Minute {
				delete(visitors, ip) // want `(medium|high) (partial|iteration): (delete|range) (of|from) handlers.visitors`
			}
		}
	}
}

func visit(ip string) bool {
	visitorsMu.Lock()
	defer visitorsMu.Unlock()
	_, known := visitors[ip]
	visitors[ip] = time.Now()
	return known
}

func limitVisitors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !visit(r.RemoteAddr) {
			w.Header().Set("X-New", "yes")
		}
		next.ServeHTTP(w, r)
	})
}

func ServeLimited(next http.Handler) error {
	return http.ListenAndServe(":0", limitVisitors(next))
}
