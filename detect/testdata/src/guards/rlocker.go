// Correct shape: readers lock through RLocker or a Locker chosen at run time (sync.Cond users, generic caches)
package guards

import "sync"

type viewCache struct {
	mu    sync.RWMutex
	views map[string]string
}

func (c *viewCache) read(k string) string {
	l := c.mu.RLocker()
	l.Lock()
	defer l.Unlock()
	return c.views[k]
}

func (c *viewCache) visit(write bool, f func(map[string]string)) {
	var l sync.Locker = &c.mu
	if !write {
		l = c.mu.RLocker()
	}
	l.Lock()
	defer l.Unlock()
	f(c.views)
}

func (c *viewCache) fill(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.views[k] = k
}

func Views(keys <-chan string) {
	c := &viewCache{views: map[string]string{}}
	for range 3 {
		go func() {
			for k := range keys {
				if c.read(k) == "" {
					c.fill(k)
				}
				c.visit(true, func(m map[string]string) { delete(m, k) })
			}
		}()
	}
}
