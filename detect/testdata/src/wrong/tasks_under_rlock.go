// Racy shape: workers write the tables of tasks under the read lock of their pool, other methods take it for writing; whether two have one task is not seen (build farms)
package wrong

import "sync"

type buildTask struct{ steps map[string]int }

type farmState struct{ mu sync.RWMutex }

type buildFarm struct {
	state *farmState
	queue chan *buildTask
	tasks []*buildTask
}

func (f *buildFarm) Start() {
	for range 4 {
		go func() {
			for t := range f.queue {
				f.state.mu.RLock()
				t.steps["run"]++ // want `medium read-lock-write: update of buildTask.steps under a read lock of farmState.mu`
				f.state.mu.RUnlock()
			}
		}()
	}
}

func (f *buildFarm) Forget(step string) {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	for _, t := range f.tasks {
		delete(t.steps, step)
	}
}

func (f *buildFarm) Rename(from, to string) {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	for _, t := range f.tasks {
		t.steps[to] = t.steps[from]
	}
}
