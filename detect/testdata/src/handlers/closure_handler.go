// Racy shape: a method returns the handler closure, the closure fills a map of its receiver (REST servers with s.handleX())
package handlers

import "net/http"

type api struct {
	mux   *http.ServeMux
	calls map[string]int
}

func newAPI() *api {
	a := &api{mux: http.NewServeMux(), calls: map[string]int{}}
	a.mux.Handle("/put", a.handlePut())
	a.mux.Handle("/stat", a.handleStat())
	return a
}

func (a *api) handlePut() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.calls[r.URL.Path]++ // want `(medium|high) unguarded: update of api.calls`
	}
}

func (a *api) handleStat() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for p := range a.calls {
			_, _ = w.Write([]byte(p))
		}
	}
}

func ListenAPI() error { return http.ListenAndServe(":0", newAPI().mux) }
