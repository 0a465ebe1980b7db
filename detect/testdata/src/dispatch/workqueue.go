// Racy shape: several workers of a controller are started in a loop by a helper, each processes keys into one bare cache (kubernetes controllers)
package dispatch

import "time"

type workQueue struct{ keys chan string }

func (q *workQueue) get() (string, bool) {
	k, ok := <-q.keys
	return k, ok
}

type controller struct {
	queue  *workQueue
	synced map[string]time.Time
	apply  func(string) error
}

func runUntil(f func(), stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
			f()
		}
	}
}

func (c *controller) run(workers int, stop <-chan struct{}) {
	for range workers {
		go runUntil(c.worker, stop)
	}
	<-stop
}

func (c *controller) worker() {
	for c.next() {
	}
}

func (c *controller) next() bool {
	k, ok := c.queue.get()
	if !ok {
		return false
	}
	if time.Since(c.synced[k]) < time.Second {
		return true
	}
	if c.apply(k) == nil {
		c.synced[k] = time.Now() // want `(medium|high) unguarded: .* of controller.synced`
	}
	return true
}

func Control2(keys chan string, apply func(string) error, stop <-chan struct{}) {
	c := &controller{queue: &workQueue{keys}, synced: map[string]time.Time{}, apply: apply}
	c.run(4, stop)
}
