package chathub

import (
	"fmt"
	"net/http"
	"strings"
)

// Handler serves the hub: every request runs on a goroutine of its own.
func Handler(h *Hub) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rooms", h.handleList)
	mux.HandleFunc("PUT /rooms/{room}", h.handleOpen)
	mux.HandleFunc("DELETE /rooms/{room}", h.handleClose)
	mux.HandleFunc("GET /rooms/{room}/stream", h.handleStream)
	mux.HandleFunc("POST /rooms/{room}/say", h.handleSay)
	return mux
}

func (h *Hub) handleList(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, strings.Join(h.Rooms(), "\n"))
}

func (h *Hub) handleOpen(w http.ResponseWriter, r *http.Request) {
	h.Open(r.PathValue("room"))
	w.WriteHeader(http.StatusCreated)
}

func (h *Hub) handleClose(w http.ResponseWriter, r *http.Request) {
	h.Close(r.PathValue("room"))
}

func (h *Hub) handleStream(w http.ResponseWriter, r *http.Request) {
	c := NewClient(r.FormValue("user"))
	room := r.PathValue("room")
	h.Join(room, c)
	defer h.Leave(room, c.Name)
	c.pump(w, r.Context().Done())
}

func (h *Hub) handleSay(w http.ResponseWriter, r *http.Request) {
	sent := h.Say(r.PathValue("room"), r.FormValue("user"), r.FormValue("text"))
	fmt.Fprintf(w, "sent to %d\n", sent)
}
