// Correct shape: a writer builds the next generation aside and publishes it by atomic.Pointer, readers keep theirs (rule sets)
package replaced

import (
	"net/http"
	"sync/atomic"
	"time"
)

type ruleSet struct {
	rules map[string]bool
	at    time.Time
}

type firewall struct {
	current atomic.Pointer[ruleSet]
	fetch   func() []string
}

func (f *firewall) reload() {
	next := &ruleSet{rules: make(map[string]bool), at: time.Now()}
	for _, r := range f.fetch() {
		next.rules[r] = true
	}
	if old := f.current.Load(); old != nil {
		for r := range old.rules {
			if _, ok := next.rules[r]; !ok {
				next.rules[r] = false
			}
		}
	}
	f.current.Store(next)
}

func (f *firewall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rs := f.current.Load()
	if !rs.rules[r.RemoteAddr] {
		http.Error(w, "denied", http.StatusForbidden)
		return
	}
	w.Header().Set("Last-Modified", rs.at.Format(http.TimeFormat))
}

func ServeFirewall(fetch func() []string) error {
	f := &firewall{fetch: fetch}
	f.reload()
	go func() {
		for range time.Tick(time.Minute) {
			f.reload()
		}
	}()
	return http.ListenAndServe(":0", f)
}
