// Correct shape: a lock per key guards the entry of that key, the table of entries has a lock of its own (per-account ledgers)
package lockcopy

import (
	"net/http"
	"sync"
)

type ledger struct {
	mu      sync.Mutex
	entries map[string]int
}

type ledgers struct {
	mu  sync.Mutex
	all map[string]*ledger
}

func (l *ledgers) of(account string) *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.all[account]
	if e == nil {
		e = &ledger{entries: map[string]int{}}
		l.all[account] = e
	}
	return e
}

func (l *ledgers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := l.of(r.FormValue("account"))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.entries[r.FormValue("item")]++
}
