package web

import "sync"

// Imitates gin's Context.Keys: middleware starts goroutines that use one context.

// A Context belongs to one request.
type Context struct {
	Keys map[string]any // racy
}

// NewContext returns an empty one.
func NewContext() *Context { return &Context{Keys: map[string]any{}} }

// Set stores a value.
func (c *Context) Set(key string, value any) { c.Keys[key] = value }

// Get returns one.
func (c *Context) Get(key string) (any, bool) {
	v, ok := c.Keys[key]
	return v, ok
}

// Fan lets steps run in parallel on one context.
func Fan(c *Context, steps ...func(*Context)) {
	var wg sync.WaitGroup
	for i, step := range steps {
		wg.Go(func() {
			c.Set("step", i)
			step(c)
			c.Get("step")
		})
	}
	wg.Wait()
}
