// Correct shape: the snapshot gets a clone, which a goroutine persists and clears (raft FSM)
package escapes

import (
	"io"
	"maps"
	"sync"
)

type treeSnapshot struct{ data map[string]string }

func (s *treeSnapshot) persist(w io.Writer) error {
	for k, v := range s.data {
		if _, err := io.WriteString(w, k+"="+v+"\n"); err != nil {
			return err
		}
	}
	clear(s.data)
	return nil
}

type treeFSM struct {
	mu   sync.Mutex
	data map[string]string
}

func (f *treeFSM) apply(k, v string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.data[k] = v
}

func (f *treeFSM) snapshot() *treeSnapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &treeSnapshot{data: maps.Clone(f.data)}
}

func RunTreeFSM(log <-chan [2]string, w io.Writer) {
	f := &treeFSM{data: map[string]string{}}
	for e := range log {
		f.apply(e[0], e[1])
		s := f.snapshot()
		go func() { _ = s.persist(w) }()
	}
}
