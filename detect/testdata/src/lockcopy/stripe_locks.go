// Racy shape: a package's map is written under one lock of an array, chosen by the key (hit counters)
package lockcopy

import (
	"net/http"
	"sync"
)

var stripeLocks [8]sync.Mutex
var stripeHits = map[string]int{}

func stripe(w http.ResponseWriter, r *http.Request) {
	i := len(r.URL.Path) % 8
	stripeLocks[i].Lock()
	stripeHits[r.URL.Path]++ // want `high unguarded: update of lockcopy.stripeHits under one of lockcopy.stripeLocks only`
	stripeLocks[i].Unlock()
}

func ServeStripes() {
	http.HandleFunc("/stripe", stripe)
	http.ListenAndServe(":80", nil)
}
