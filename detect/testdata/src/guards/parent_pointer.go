// Correct shape: children keep a pointer to their parent and take its lock for their own maps, the parent sweeps them under it (trees, sessions)
package guards

import "sync"

type treeRoot struct {
	mu       sync.Mutex
	children map[string]*treeChild
}

type treeChild struct {
	root  *treeRoot
	attrs map[string]string
}

func (r *treeRoot) child(name string) *treeChild {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.children[name]
	if !ok {
		c = &treeChild{root: r, attrs: map[string]string{}}
		r.children[name] = c
	}
	return c
}

func (c *treeChild) set(k, v string) {
	c.root.mu.Lock()
	defer c.root.mu.Unlock()
	c.attrs[k] = v
}

func (c *treeChild) get(k string) string {
	c.root.mu.Lock()
	defer c.root.mu.Unlock()
	return c.attrs[k]
}

func (r *treeRoot) sweep(stale string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, c := range r.children {
		delete(c.attrs, stale)
		if len(c.attrs) == 0 {
			delete(r.children, name)
		}
	}
}

func Grow(names <-chan string) {
	r := &treeRoot{children: map[string]*treeChild{}}
	for range 3 {
		go func() {
			for n := range names {
				c := r.child(n)
				if c.get("seen") == "" {
					c.set("seen", n)
				}
				r.sweep("old")
			}
		}()
	}
}
