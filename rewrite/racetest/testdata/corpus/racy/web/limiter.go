package web

import (
	"net/http"
	"time"
)

// Imitates per-client rate limiters in middleware.

type bucket struct {
	tokens int
	last   time.Time
}

// Limit lets each client through n times a second.
func Limit(n int, next http.Handler) http.Handler {
	buckets := make(map[string]bucket) // racy, not found
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, ok := buckets[r.RemoteAddr]
		if !ok || time.Since(b.last) > time.Second {
			b = bucket{tokens: n, last: time.Now()}
		}
		b.tokens--
		buckets[r.RemoteAddr] = b
		if b.tokens < 0 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}
