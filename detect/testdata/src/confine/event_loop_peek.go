// Racy shape: a hub's loop owns the client set, the metrics handler takes its length directly (websocket hubs)
package confine

import (
	"fmt"
	"net/http"
)

type feed struct {
	readers map[chan string]bool
	join    chan chan string
	leave   chan chan string
}

func (f *feed) run() {
	for {
		select {
		case c := <-f.join:
			f.readers[c] = true
		case c := <-f.leave:
			delete(f.readers, c)
		}
	}
}

func (f *feed) metrics(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "readers", len(f.readers)) // want `(medium|high) unguarded: .* of feed.readers`
}

func ServeFeed() error {
	f := &feed{readers: map[chan string]bool{}, join: make(chan chan string), leave: make(chan chan string)}
	go f.run()
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", f.metrics)
	return http.ListenAndServe(":0", mux)
}
