package confined

import (
	"context"
	"time"
)

type event struct{ name string }

// A Monitor's map belongs to its loop.
type Monitor struct {
	events chan event
	totals chan int
	seen   map[string]int
}

// NewMonitor is idle until Run.
func NewMonitor() *Monitor {
	return &Monitor{events: make(chan event), totals: make(chan int), seen: map[string]int{}}
}

// Start runs the loop in the background.
func (m *Monitor) Start(ctx context.Context) { go m.loop(ctx) }

func (m *Monitor) loop(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-m.events:
			m.seen[e.name]++
		case <-t.C:
			clear(m.seen)
		case m.totals <- len(m.seen):
		}
	}
}

// Report reports an event.
func (m *Monitor) Report(name string) { m.events <- event{name} }
