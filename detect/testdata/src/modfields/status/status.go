// Package status shows a bus.
package status

import (
	"fmt"
	"net/http"

	"cases/modfields/bus"
)

// A Page shows the topics of a bus.
type Page struct{ Bus *bus.Bus }

func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.Bus.Publish("status", r.RemoteAddr)
	for topic, subs := range p.Bus.Subs { // want `(medium|high) iteration: range of Bus.Subs without Bus.mu in \(\*Page\).ServeHTTP.*, which 3 of 4 accesses hold; `
		fmt.Fprintln(w, topic, len(subs))
	}
}
