package confined

import "time"

// A Poller's goroutine makes and keeps its map.
type Poller struct{ stop chan struct{} }

// NewPoller polls until Stop.
func NewPoller(every time.Duration, poll func() string) *Poller {
	p := &Poller{stop: make(chan struct{})}
	go func() {
		last := map[string]time.Time{}
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-p.stop:
				return
			case now := <-t.C:
				last[poll()] = now
			}
		}
	}()
	return p
}

// Stop ends it.
func (p *Poller) Stop() { close(p.stop) }
