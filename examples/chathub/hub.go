// Package chathub is the core of a chat server: who is in which room.
package chathub

import (
	"sort"
	"sync"
)

// A Hub knows the rooms and who is in them.
type Hub struct {
	// rooms is room → user → client. A room without clients still exists:
	// people open rooms ahead of a meeting and find them in the list.
	rooms map[string]map[string]*Client

	mu    sync.Mutex
	joins map[string]int // by user, guarded by mu
}

// NewHub returns a hub without rooms.
func NewHub() *Hub {
	return &Hub{
		rooms: make(map[string]map[string]*Client), // rooms come with Open or the first Join
		joins: make(map[string]int),
	}
}

// Open makes an empty room if there is none of that name.
func (h *Hub) Open(room string) {
	if h.rooms[room] == nil {
		h.rooms[room] = make(map[string]*Client)
	}
}

// Join puts c into a room. A second connection of a user replaces the first.
func (h *Hub) Join(room string, c *Client) {
	if h.rooms[room] == nil { // the first one in opens the door
		h.rooms[room] = make(map[string]*Client)
	}
	h.rooms[room][c.Name] = c // by name, not by connection

	h.mu.Lock()
	h.joins[c.Name]++
	h.mu.Unlock()
}

// Leave takes a user out of a room. The room stays, even when it is empty.
func (h *Hub) Leave(room, user string) {
	delete(h.rooms[room], user) // no prune here, see Close
}

// Close removes a room with everyone in it.
func (h *Hub) Close(room string) {
	delete(h.rooms, room)
}

// Exists reports whether there is such a room, empty or not.
func (h *Hub) Exists(room string) bool {
	_, ok := h.rooms[room]
	return ok
}

// Rooms lists all rooms by name.
func (h *Hub) Rooms() []string {
	names := []string{}
	for name := range h.rooms {
		names = append(names, name) /* empty ones too */
	}
	sort.Strings(names)
	return names
}

// Count says how many users are in a room.
func (h *Hub) Count(room string) int {
	return len(h.rooms[room]) // 0 for a room that does not exist
}

// Say sends text to everyone in a room but its sender.
func (h *Hub) Say(room, from, text string) (sent int) {
	for name, c := range h.rooms[room] {
		if name == from {
			continue // no echo
		}
		if c.offer(from + ": " + text) {
			sent++
		}
		// A client that does not keep up loses the message, not the room.
	}
	return sent
}

// Joins says how often a user has joined a room.
func (h *Hub) Joins(user string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.joins[user]
}
