// Racy shape: a type that implements context.Context reads in Value the map that Set writes, contexts are for use by many goroutines (gin Context.Keys)
package contexts2

import (
	"net/http"
	"time"
)

// A WebContext is one request.
type WebContext struct {
	req  *http.Request
	keys map[string]any
}

func (c *WebContext) Deadline() (time.Time, bool) { return c.req.Context().Deadline() }
func (c *WebContext) Done() <-chan struct{}       { return c.req.Context().Done() }
func (c *WebContext) Err() error                  { return c.req.Context().Err() }

func (c *WebContext) Value(key interface{}) interface{} {
	if k, ok := key.(string); ok {
		if v, ok := c.keys[k]; ok { // want `(medium|high) unguarded: .* of WebContext.keys`
			return v
		}
	}
	return c.req.Context().Value(key)
}

func (c *WebContext) Set(k string, v any) {
	if c.keys == nil {
		c.keys = make(map[string]any)
	}
	c.keys[k] = v
}
