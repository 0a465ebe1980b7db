package locks

import (
	"net/http"
	"sync"
)

var (
	visitsMu sync.Mutex
	visits   = map[string]int{}
)

// Visit is a handler.
func Visit(w http.ResponseWriter, r *http.Request) {
	visitsMu.Lock()
	visits[r.URL.Path]++
	visitsMu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// Mount registers it.
func Mount(mux *http.ServeMux) { mux.HandleFunc("/", Visit) }
