// Correct shape: init starts the clean-up of a package map, both it and the handler lock (rate limiting by key)
package handlers

import (
	"net/http"
	"sync"
	"time"
)

type keyUse struct {
	last time.Time
	n    int
}

var (
	keyUsesMu sync.Mutex
	keyUses   = make(map[string]*keyUse)
)

func init() {
	go func() {
		for range time.Tick(time.Minute) {
			keyUsesMu.Lock()
			for k, u := range keyUses {
				if time.Since(u.last) > 3*time.Minute {
					delete(keyUses, k)
				}
			}
			keyUsesMu.Unlock()
		}
	}()
}

func useKey(k string) int {
	keyUsesMu.Lock()
	defer keyUsesMu.Unlock()
	u, ok := keyUses[k]
	if !ok {
		u = &keyUse{}
		keyUses[k] = u
	}
	u.last = time.Now()
	u.n++
	return u.n
}

func limitKeys(w http.ResponseWriter, r *http.Request) {
	if useKey(r.Header.Get("X-Key")) > 100 {
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func ServeKeys() error { return http.ListenAndServe(":0", http.HandlerFunc(limitKeys)) }
