// Correct shape: a hall gives its method to an exported filter, which it keeps to itself and feeds under its lock; the filter has further methods that nobody calls (lal remuxers)
package dispatch

import "sync"

// DelayFilter passes on what it is fed, in order.
type DelayFilter struct {
	next    func(packet)
	waiting []packet
}

// NewDelayFilter returns a filter in front of next.
func NewDelayFilter(next func(packet)) *DelayFilter { return &DelayFilter{next: next} }

// Feed passes p on, after what waits.
func (f *DelayFilter) Feed(p packet) {
	f.waiting = append(f.waiting, p)
	f.Flush()
}

// OnMessage is Feed for those who want an observer.
func (f *DelayFilter) OnMessage(p packet) { f.Feed(p) }

// Flush passes on what waits.
func (f *DelayFilter) Flush() {
	for _, p := range f.waiting {
		f.next(p)
	}
	f.waiting = f.waiting[:0]
}

// Hall is a room whose packets are delayed.
type Hall struct {
	mu     sync.Mutex
	filter *DelayFilter
	guests map[*viewer]struct{}
}

func newHall() *Hall {
	h := &Hall{guests: map[*viewer]struct{}{}}
	h.filter = NewDelayFilter(h.deliver)
	return h
}

// Push takes a packet of a stream.
func (h *Hall) Push(p packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.filter.Feed(p)
}

func (h *Hall) deliver(p packet) {
	for v := range h.guests {
		v.out <- p
	}
}

func (h *Hall) enter(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.guests[v] = struct{}{}
}

func (h *Hall) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.guests, v)
}

// OpenHall opens a hall for the viewers that arrive.
func OpenHall(viewers <-chan *viewer) *Hall {
	h := newHall()
	go func() {
		for v := range viewers {
			h.enter(v)
			go func() {
				for range v.out {
				}
				h.leave(v)
			}()
		}
	}()
	return h
}
