// Correct shape: the kept http.HandlerFunc makes its map anew in every call and fills it through helpers (query parsers)
package contexts2

import (
	"net/http"
	"strings"
)

type queryServer struct {
	answer http.HandlerFunc
	known  []string
}

func splitInto(dst map[string]string, pairs []string) {
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, ":")
		dst[k] = v
	}
}

func newQueryServer(known ...string) *queryServer {
	q := &queryServer{known: known}
	q.answer = func(w http.ResponseWriter, r *http.Request) {
		terms := map[string]string{}
		splitInto(terms, strings.Fields(r.FormValue("q")))
		for _, k := range q.known {
			if v, ok := terms[k]; ok {
				_, _ = w.Write([]byte(v))
				delete(terms, k)
			}
		}
	}
	return q
}

func ServeQueries() error {
	q := newQueryServer("author", "title")
	mux := http.NewServeMux()
	mux.Handle("/q", q.answer)
	mux.HandleFunc("/search", q.answer)
	return http.ListenAndServe(":0", mux)
}
