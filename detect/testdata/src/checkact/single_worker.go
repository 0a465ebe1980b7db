// Correct shape: asked and marked in two critical sections, but only one goroutine ever marks (single consumer)
package checkact

import (
	"net/http"
	"sync"
)

type progress struct {
	mu   sync.Mutex
	done map[string]int
}

func (p *progress) get(k string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[k]
}

func (p *progress) set(k string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[k] = n
}

func (p *progress) consume(in <-chan string) {
	for k := range in {
		p.set(k, p.get(k)+1)
	}
}

func (p *progress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.get(r.FormValue("k")) > 100 {
		w.WriteHeader(http.StatusGone)
	}
}

func ServeProgress(in <-chan string) error {
	p := &progress{done: map[string]int{}}
	go p.consume(in)
	return http.ListenAndServe(":0", p)
}
