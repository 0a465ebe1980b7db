// Racy shape: elements snapshotted to a slice under the lock, their fields read outside while workers set them under it
package elements

import (
	"fmt"
	"sync"
)

type jobState struct {
	id     string
	status string
	err    error
}

type JobBoard struct {
	mu   sync.Mutex
	jobs map[string]*jobState
}

func (b *JobBoard) Submit(id string, work func() error) {
	b.mu.Lock()
	b.jobs[id] = &jobState{id: id, status: "queued"}
	b.mu.Unlock()
	go func() {
		err := work()
		b.mu.Lock()
		defer b.mu.Unlock()
		j := b.jobs[id]
		j.status, j.err = "done", err
	}()
}

func (b *JobBoard) list() []*jobState {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*jobState, 0, len(b.jobs))
	for _, j := range b.jobs {
		out = append(out, j)
	}
	return out
}

func (b *JobBoard) Print() {
	for _, j := range b.list() {
		fmt.Println(j.id, j.status, j.err) // want `element`
	}
}
