// Correct shape: a send in a select with default tries the one-slot channel as a lock and gives up when it is taken (refresh guards)
package ordering

import "net/http"

type refreshGuard struct {
	busy  chan struct{}
	stale map[string]int
}

func newRefreshGuard() *refreshGuard {
	return &refreshGuard{busy: make(chan struct{}, 1), stale: map[string]int{}}
}

func (g *refreshGuard) note(k string) bool {
	select {
	case g.busy <- struct{}{}:
	default:
		return false
	}
	defer func() { <-g.busy }()
	g.stale[k]++
	return true
}

func (g *refreshGuard) drain() (n int) {
	g.busy <- struct{}{}
	for k, v := range g.stale {
		n += v
		delete(g.stale, k)
	}
	<-g.busy
	return n
}

func (g *refreshGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.note(r.URL.Path) || g.drain() > 100 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func ServeRefresh() error { return http.ListenAndServe(":0", newRefreshGuard()) }
