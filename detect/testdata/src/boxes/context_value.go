// Racy shape: the log record in a request's context is written by the backends that a mirror calls in parallel (traefik access log)
package boxes

import (
	"context"
	"net/http"
	"sync"
)

type recordKey struct{}

type record struct {
	core map[string]any
}

func recordOf(r *http.Request) *record {
	rec, _ := r.Context().Value(recordKey{}).(*record)
	return rec
}

type fieldMiddleware struct {
	next http.Handler
	name string
}

func (f *fieldMiddleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rec := recordOf(r); rec != nil {
		rec.core[f.name] = r.URL.Path // want `medium unguarded: write of record.core without a lock`
	}
	f.next.ServeHTTP(w, r)
}

type accessLog struct{ next http.Handler }

func (l *accessLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &record{core: map[string]any{}}
	l.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), recordKey{}, rec)))
	println(len(rec.core))
}

type mirror struct {
	main    http.Handler
	mirrors []http.Handler
	pool    sync.WaitGroup
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, h := range m.mirrors {
		m.pool.Go(func() { h.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context()))) })
	}
	m.main.ServeHTTP(w, r)
}
