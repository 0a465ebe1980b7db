// Correct shape: jobs on the channel lock around the shared map, the parent reads after the pool is closed (task runners)
package dispatch

import "sync"

type crew struct {
	jobs chan func()
	wg   sync.WaitGroup
}

func newCrew(n int) *crew {
	c := &crew{jobs: make(chan func())}
	for range n {
		c.wg.Add(1)
		go func() {
			defer c.wg.Done()
			for job := range c.jobs {
				job()
			}
		}()
	}
	return c
}

func (c *crew) submit(job func()) { c.jobs <- job }

func (c *crew) close() {
	close(c.jobs)
	c.wg.Wait()
}

func LineCounts(files []string, count func(string) int) map[string]int {
	c := newCrew(4)
	var mu sync.Mutex
	lines := make(map[string]int, len(files))
	for _, f := range files {
		c.submit(func() {
			n := count(f)
			mu.Lock()
			defer mu.Unlock()
			lines[f] = n
		})
	}
	c.close()
	for f, n := range lines {
		if n == 0 {
			delete(lines, f)
		}
	}
	return lines
}
