// Racy shape: requests add missing entries to the map of the config that an atomic.Pointer publishes (hot-reloaded limits)
package boxes

import (
	"net/http"
	"sync/atomic"
)

type limits struct {
	perPath map[string]int
}

type limiter struct {
	cur atomic.Pointer[limits]
}

func (l *limiter) reload(per map[string]int) { l.cur.Store(&limits{perPath: per}) }

func (l *limiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := l.cur.Load()
	if _, ok := c.perPath[r.URL.Path]; !ok {
		c.perPath[r.URL.Path] = 10 // want `high unguarded: write of limits.perPath without a lock`
	}
}
