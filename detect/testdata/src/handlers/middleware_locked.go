// Correct shape: the middleware's shared map has a mutex beside it in the closure (per-IP limits)
package handlers

import (
	"net"
	"net/http"
	"sync"
)

func limitByHost(max int, next http.Handler) http.Handler {
	var mu sync.Mutex
	seen := make(map[string]int)
	admit := func(host string) bool {
		mu.Lock()
		defer mu.Unlock()
		seen[host]++
		return seen[host] <= max
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil || !admit(host) {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
		mu.Lock()
		if seen[host]--; seen[host] == 0 {
			delete(seen, host)
		}
		mu.Unlock()
	})
}

func Guard(h http.Handler) error { return http.ListenAndServe(":0", limitByHost(10, h)) }
