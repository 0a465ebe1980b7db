// Racy shape: a ConnState hook stored in an http.Server counts connections in a map (connection trackers)
package handlers

import (
	"net"
	"net/http"
)

type tracker struct {
	states map[net.Conn]http.ConnState
}

func (t *tracker) observe(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew, http.StateActive, http.StateIdle:
		t.states[c] = s // want `(medium|high) unguarded: write of tracker.states`
	case http.StateClosed, http.StateHijacked:
		delete(t.states, c)
	}
}

func (t *tracker) open() int { return len(t.states) }

func ServeTracked(l net.Listener, h http.Handler) error {
	t := &tracker{states: map[net.Conn]http.ConnState{}}
	srv := &http.Server{Handler: h, ConnState: t.observe}
	return srv.Serve(l)
}
