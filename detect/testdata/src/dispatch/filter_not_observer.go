// Correct shape: sessions call their observer, which takes its lock; a filter within the observer has a method of that name, but only the observer calls it, under the lock (lal rtmp groups)
package dispatch

import "sync"

type packet struct{ seq int }

// packetObserver is told by a session's read loop.
type packetObserver interface{ OnPacket(p packet) }

type ingest struct{ observer packetObserver }

func (s *ingest) readLoop(in <-chan packet) {
	for p := range in {
		s.observer.OnPacket(p)
	}
}

// gapFilter delays packets until their predecessors are there.
type gapFilter struct {
	next func(packet)
	held []packet
}

func (f *gapFilter) OnPacket(p packet) {
	for _, q := range append(f.held, p) {
		f.next(q)
	}
	f.held = f.held[:0]
}

type viewer struct{ out chan packet }

type room struct {
	mu      sync.Mutex
	filter  *gapFilter
	viewers map[*viewer]struct{}
}

func newRoom() *room {
	r := &room{viewers: map[*viewer]struct{}{}}
	r.filter = &gapFilter{next: r.broadcast}
	return r
}

func (r *room) OnPacket(p packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.filter.OnPacket(p)
}

// broadcast is called under the lock.
func (r *room) broadcast(p packet) {
	for v := range r.viewers {
		v.out <- p
	}
}

func (r *room) enter(v *viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.viewers[v] = struct{}{}
}

func (r *room) leave(v *viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.viewers, v)
}

func (r *room) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.viewers)
}

// ServeRoom runs a room for the streams and viewers that arrive.
func ServeRoom(streams <-chan chan packet, viewers <-chan *viewer) {
	r := newRoom()
	go func() {
		for in := range streams {
			s := &ingest{observer: r}
			go s.readLoop(in)
		}
	}()
	for v := range viewers {
		r.enter(v)
		go func() {
			for range v.out {
			}
			r.leave(v)
			if r.count() == 0 {
				return
			}
		}()
	}
}
