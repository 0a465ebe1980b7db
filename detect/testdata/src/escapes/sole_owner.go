// Correct shape: finish gives the map away for good, the builder forgets it under the lock (result collectors)
package escapes

import "sync"

type Collector struct {
	mu      sync.Mutex
	results map[string]error
}

func (c *Collector) Report(task string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.results == nil {
		c.results = map[string]error{}
	}
	c.results[task] = err
}

// Finish returns what was collected; later reports start anew.
func (c *Collector) Finish() map[string]error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.results
	c.results = nil
	return out
}

func RunTasks(tasks map[string]func() error) int {
	c := &Collector{}
	var wg sync.WaitGroup
	for name, f := range tasks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c.Report(name, f())
		}()
	}
	wg.Wait()
	failed := c.Finish()
	for name, err := range failed {
		if err == nil {
			delete(failed, name)
		}
	}
	return len(failed)
}
