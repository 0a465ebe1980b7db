// Racy shape: rows emptied one by one, their outer keys never deleted (chat rooms, minio node locks)
package leaks

import "sync"

type Rooms struct {
	mu    sync.Mutex
	rooms map[string]map[string]bool // quiet leak
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
}

func (r *Rooms) Serve(events <-chan [2]string) {
	for range 2 {
		go func() {
			for e := range events {
				r.Join(e[0], e[1])
				r.Leave(e[0], e[1])
			}
		}()
	}
}
