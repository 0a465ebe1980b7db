package hub

import "net/http"

// Imitates chat servers: rooms of clients, joined and left by handlers.

type Client struct{ Name string }

// Rooms hold clients by name.
type Rooms struct {
	rooms map[string]map[string]*Client // racy
}

// NewRooms returns no rooms.
func NewRooms() *Rooms { return &Rooms{rooms: map[string]map[string]*Client{}} }

// Join adds a client to a room.
func (h *Rooms) Join(room, name string) *Client {
	if h.rooms[room] == nil {
		h.rooms[room] = make(map[string]*Client)
	}
	c := &Client{Name: name}
	h.rooms[room][name] = c
	return c
}

// Leave takes it out, and the room with the last one.
func (h *Rooms) Leave(room, name string) {
	delete(h.rooms[room], name)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
}

// ServeHTTP joins.
func (h *Rooms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Join(r.FormValue("room"), r.FormValue("name"))
}

// Mount registers the hub.
func (h *Rooms) Mount(mux *http.ServeMux) { mux.Handle("/join", h) }
