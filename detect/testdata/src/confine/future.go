// Correct shape: a future's result map is filled by its goroutine, everyone else waits for done first (lazy loading)
package confine

import (
	"net/http"
	"os"
)

type dirFuture struct {
	done  chan struct{}
	sizes map[string]int64
	err   error
}

func startDir(path string) *dirFuture {
	f := &dirFuture{done: make(chan struct{}), sizes: map[string]int64{}}
	go f.read(path)
	return f
}

func (f *dirFuture) read(path string) {
	defer close(f.done)
	entries, err := os.ReadDir(path)
	if err != nil {
		f.err = err
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			f.sizes[e.Name()] = info.Size()
		}
	}
}

func (f *dirFuture) wait() (map[string]int64, error) {
	<-f.done
	return f.sizes, f.err
}

type dirHandler struct{ root *dirFuture }

func (h *dirHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sizes, err := h.root.wait()
	if err != nil || sizes[r.URL.Path] == 0 {
		http.NotFound(w, r)
	}
}

func ServeDir(path string) error {
	return http.ListenAndServe(":0", &dirHandler{startDir(path)})
}
