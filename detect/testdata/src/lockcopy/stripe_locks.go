// Racy shape: locks are striped by hash over a sync.Map of mutexes, the results of all stripes go into one map (thumbnail caches)
package lockcopy

import (
	"net/http"
	"sync"
)

type thumbnails struct {
	busy  sync.Map // path → *sync.Mutex
	ready map[string]string
}

func (t *thumbnails) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, _ := t.busy.LoadOrStore(r.URL.Path, new(sync.Mutex))
	mu := v.(*sync.Mutex)
	mu.Lock()
	defer mu.Unlock()
	if t.ready[r.URL.Path] == "" {
		t.ready[r.URL.Path] = "/thumb" + r.URL.Path // want `high unguarded: write of thumbnails.ready under one of thumbnails.busy only`
	}
	http.Redirect(w, r, t.ready[r.URL.Path], http.StatusFound)
}
