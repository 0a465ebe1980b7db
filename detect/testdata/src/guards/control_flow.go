// Correct shape: breaks, continues, labelled loops and a switch that unlocks on its way out (protocol state machines)
package guards

import "sync"

type window struct {
	mu      sync.Mutex
	unacked map[uint32][]byte
	closed  bool
}

func (w *window) pump(in <-chan uint32, resend func([]byte) bool) {
loop:
	for seq := range in {
		w.mu.Lock()
		switch b, ok := w.unacked[seq]; {
		case w.closed:
			w.mu.Unlock()
			break loop
		case !ok:
			w.mu.Unlock()
			continue
		case len(b) == 0:
			delete(w.unacked, seq)
			w.mu.Unlock()
		default:
			w.mu.Unlock()
			if !resend(b) {
				w.mu.Lock()
				w.unacked[seq] = nil
				w.mu.Unlock()
				return
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.unacked)
}

func (w *window) send(seq uint32, b []byte) bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	w.unacked[seq] = b
	w.mu.Unlock()
	return true
}

func (w *window) Run(acks <-chan uint32, data <-chan []byte) {
	go w.pump(acks, func([]byte) bool { return true })
	var seq uint32
	for b := range data {
		if seq++; !w.send(seq, b) {
			return
		}
	}
}
