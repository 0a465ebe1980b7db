package confined

import "sync"

// A Task has a map of its own, filled before anybody else has it.
type Task struct{ labels map[string]string }

func newTask(name string) *Task {
	t := &Task{labels: map[string]string{}}
	t.labels["name"] = name
	return t
}

// Run runs tasks that only read their labels.
func Run(names []string) {
	var wg sync.WaitGroup
	for _, n := range names {
		t := newTask(n)
		wg.Go(func() { _ = t.labels["name"] })
	}
	wg.Wait()
}
