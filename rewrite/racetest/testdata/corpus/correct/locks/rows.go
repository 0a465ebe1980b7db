package locks

import "sync"

// Rooms hold the lock for as long as they use a row.
type Rooms struct {
	mu    sync.Mutex
	rooms map[string]map[string]bool
}

// NewRooms returns no rooms.
func NewRooms() *Rooms { return &Rooms{rooms: map[string]map[string]bool{}} }

// Join adds.
func (r *Rooms) Join(room, who string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row := r.rooms[room]
	if row == nil {
		row = map[string]bool{}
		r.rooms[room] = row
	}
	row[who] = true
}

// Count counts.
func (r *Rooms) Count(room string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rooms[room])
}

// Crowd joins from goroutines.
func (r *Rooms) Crowd(room string, who []string) {
	for _, w := range who {
		go r.Join(room, w)
	}
}
