package worker

import (
	"context"
	"time"
)

// Imitates tempo's recentJobs: the job loop adds, a ticker measures.

// Recent remembers jobs.
type Recent struct {
	jobs map[string][]string // racy
	in   chan string
}

// NewRecent returns an empty memory.
func NewRecent() *Recent {
	return &Recent{jobs: make(map[string][]string), in: make(chan string)}
}

// Start runs both loops until ctx ends.
func (r *Recent) Start(ctx context.Context) {
	go r.loop(ctx)
	go r.measure(ctx)
}

func (r *Recent) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-r.in:
			r.Add(j)
		}
	}
}

func (r *Recent) measure(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.Total()
		}
	}
}

// Add remembers a job.
func (r *Recent) Add(tenant string) { r.jobs[tenant] = append(r.jobs[tenant], "job") }

// Total counts them.
func (r *Recent) Total() (n int) {
	for _, j := range r.jobs {
		n += len(j)
	}
	return n
}
