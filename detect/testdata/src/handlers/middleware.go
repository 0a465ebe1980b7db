// Racy shape: a middleware keeps a local map that all requests through it share (per-IP limits)
package handlers

import (
	"net"
	"net/http"
)

func limitByIP(max int, next http.Handler) http.Handler {
	seen := make(map[string]int)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		seen[host]++ // want `(medium|high) unguarded: update of handlers.limitByIP.seen`
		if seen[host] > max {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func Protect(h http.Handler) error {
	return http.ListenAndServe(":0", limitByIP(10, h))
}
