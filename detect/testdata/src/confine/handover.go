// Correct shape: a batch is filled, sent on a channel and replaced by a new one, the receiver owns it (log shippers)
package confine

import "time"

type logBatch struct {
	labels map[string]string
	lines  map[string][]string
}

func newBatch() *logBatch {
	return &logBatch{labels: map[string]string{}, lines: map[string][]string{}}
}

type shipper struct {
	in  chan [2]string
	out chan *logBatch
}

func (s *shipper) gather() {
	b := newBatch()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case l, ok := <-s.in:
			if !ok {
				s.out <- b
				close(s.out)
				return
			}
			b.lines[l[0]] = append(b.lines[l[0]], l[1])
		case <-tick.C:
			b.labels["host"] = "self"
			s.out <- b
			b = newBatch()
		}
	}
}

func (s *shipper) ship(send func(string, []string)) {
	for b := range s.out {
		b.labels["shipped"] = "yes"
		for stream, lines := range b.lines {
			send(stream, lines)
			delete(b.lines, stream)
		}
	}
}

func (s *shipper) Start(send func(string, []string)) {
	go s.gather()
	go s.ship(send)
}
