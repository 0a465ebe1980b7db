package web

import (
	"fmt"
	"net/http"
)

// Imitates the first version of every hit counter.

var hits = map[string]int{} // racy

// Counter returns a router that counts.
func Counter() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { hits[r.URL.Path]++ })
	mux.HandleFunc("/top", func(w http.ResponseWriter, r *http.Request) {
		for path, n := range hits {
			fmt.Fprintln(w, path, n)
		}
	})
	return mux
}
