// Racy shape: the copying method reads the header before it takes the lock and fills the copy from it (gin Context.Copy)
package escapes

import "sync"

type Context struct {
	mu   sync.RWMutex
	Keys map[string]any
}

func (c *Context) Set(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Keys == nil {
		c.Keys = make(map[string]any)
	}
	c.Keys[key] = value
}

func (c *Context) Get(key string) (any, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.Keys[key]
	return v, ok
}

func (c *Context) Copy() *Context {
	cp := &Context{}
	src := c.Keys
	cp.Keys = make(map[string]any, len(src))
	for k, v := range src { // want `(medium|high) (partial|iteration): range of Context.Keys`
		cp.Keys[k] = v
	}
	return cp
}

func (c *Context) Detach(work func(*Context)) {
	go work(c.Copy())
	c.Set("detached", true)
}
