// Package inner: rows of nested maps.
package inner

import "sync"

type Rooms struct {
	mu    sync.Mutex
	rooms map[string]map[string]bool
}

func (r *Rooms) Join(room, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms[room] == nil {
		r.rooms[room] = make(map[string]bool)
	}
	r.rooms[room][user] = true
}

func (r *Rooms) Leave(room, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rooms[room], user)
	if len(r.rooms[room]) == 0 {
		delete(r.rooms, room)
	}
}

// The row is got under the lock and used after it.
func (r *Rooms) Users(room string) (out []string) {
	r.mu.Lock()
	row := r.rooms[room]
	r.mu.Unlock()
	for u := range row { // want `high inner: range of a row of Rooms.rooms without Rooms.mu in \(\*Rooms\).Users .* a row of it under Rooms.mu`
		out = append(out, u)
	}
	return out
}

// A fresh row filled before it is stored: correct.
type Index struct {
	mu sync.RWMutex
	m  map[string]map[string]int
}

func (x *Index) Load(k string, words []string) {
	row := make(map[string]int)
	for _, w := range words {
		row[w]++
	}
	x.mu.Lock()
	x.m[k] = row
	x.mu.Unlock()
}

func (x *Index) Count(k, w string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.m[k][w]
}

// A fresh row written after it is stored.
type Late struct {
	mu sync.Mutex
	m  map[string]map[string]int
}

func (l *Late) Put(k string) {
	row := make(map[string]int)
	l.mu.Lock()
	l.m[k] = row
	l.mu.Unlock()
	row["late"] = 1 // want `inner: write of a row of Late.m without Late.mu`
}

func (l *Late) Inc(k string)        { l.mu.Lock(); l.m[k]["n"]++; l.mu.Unlock() }
func (l *Late) Get(k, w string) int { l.mu.Lock(); defer l.mu.Unlock(); return l.m[k][w] }
