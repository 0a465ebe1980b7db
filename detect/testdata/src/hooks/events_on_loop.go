// Correct shape: the callbacks that a constructor binds run on the watcher's goroutine, which is the only one to use the map (event-driven caches)
package hooks

type feedEvents struct {
	put  func(k, v string)
	dump func() []string
}

type feed struct {
	ev   feedEvents
	in   chan [2]string
	asks chan chan []string
}

func (f *feed) run() {
	for {
		select {
		case kv := <-f.in:
			f.ev.put(kv[0], kv[1])
		case c := <-f.asks:
			c <- f.ev.dump()
		}
	}
}

type feedCache struct {
	f *feed
	m map[string]string
}

func NewFeedCache() *feedCache {
	c := &feedCache{m: map[string]string{}}
	c.f = &feed{ev: feedEvents{put: c.put, dump: c.dump}, in: make(chan [2]string), asks: make(chan chan []string)}
	go c.f.run()
	return c
}

func (c *feedCache) put(k, v string) { c.m[k] = v }

func (c *feedCache) dump() (out []string) {
	for k := range c.m {
		out = append(out, k)
	}
	return out
}

func (c *feedCache) Keys() []string {
	ask := make(chan []string)
	c.f.asks <- ask
	return <-ask
}
