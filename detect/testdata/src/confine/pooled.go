// Correct shape: scratch maps come from a sync.Pool, are cleared and put back by the goroutine that uses them (encoders)
package confine

import (
	"net/http"
	"sync"
)

var scratch = sync.Pool{New: func() any { return make(map[string]int) }}

type uniqueCounter struct{ limit int }

func (u *uniqueCounter) count(words []string) int {
	seen := scratch.Get().(map[string]int)
	defer func() {
		clear(seen)
		scratch.Put(seen)
	}()
	for _, w := range words {
		seen[w]++
		if len(seen) > u.limit {
			break
		}
	}
	return len(seen)
}

func (u *uniqueCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.count(r.Header.Values("X-Word")) > 10 {
		w.WriteHeader(http.StatusBadRequest)
	}
}

func ServeUnique() error { return http.ListenAndServe(":0", &uniqueCounter{limit: 100}) }
