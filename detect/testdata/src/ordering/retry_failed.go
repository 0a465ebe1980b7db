// Correct shape: each attempt collects what failed in a map that its goroutines fill under a lock, and goes through it in the next attempt, after all have ended (go-redis cluster pipelines)
package ordering

import "sync"

type failedBatches struct {
	mu sync.Mutex
	m  map[string][]int
}

func newFailedBatches() *failedBatches { return &failedBatches{m: map[string][]int{}} }

func (f *failedBatches) add(node string, cmds ...int) {
	f.mu.Lock()
	f.m[node] = append(f.m[node], cmds...)
	f.mu.Unlock()
}

type pipelineHook func(cmds []int) error

type cluster struct {
	retries int
	hook    func(next pipelineHook) pipelineHook
}

func (c *cluster) withHook(cmds []int, fn pipelineHook) error {
	return c.hook(fn)(cmds)
}

func (c *cluster) sendTo(node string, cmds []int, failed *failedBatches) {
	c.withHook(cmds, func(cmds []int) error {
		for _, cmd := range cmds {
			if cmd%2 == 1 {
				failed.add(node, cmd/2)
			}
		}
		return nil
	})
}

func (c *cluster) pipeline(cmds map[string][]int) {
	todo := newFailedBatches()
	for node, c := range cmds {
		todo.add(node, c...)
	}
	for range c.retries {
		failed := newFailedBatches()
		var wg sync.WaitGroup
		for node, cmds := range todo.m {
			wg.Add(1)
			go func() {
				defer wg.Done()
				c.sendTo(node, cmds, failed)
			}()
		}
		wg.Wait()
		if len(failed.m) == 0 {
			break
		}
		todo = failed
	}
}

// Pipelines sends batches through one cluster.
func Pipelines(hook func(next pipelineHook) pipelineHook, batches chan map[string][]int) {
	c := &cluster{retries: 3, hook: hook}
	for b := range batches {
		go c.pipeline(b)
	}
}
