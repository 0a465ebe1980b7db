// Correct shape: an emptied row takes its outer key with it (irc channels)
package leaks

import "sync"

type Channels struct {
	mu       sync.Mutex
	channels map[string]map[string]bool // quiet !leak
}

func (c *Channels) Join(name, nick string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.channels[name] == nil {
		c.channels[name] = make(map[string]bool)
	}
	c.channels[name][nick] = true
}

func (c *Channels) Part(name, nick string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	members := c.channels[name]
	delete(members, nick)
	if len(members) == 0 {
		delete(c.channels, name)
	}
}

func (c *Channels) Serve(events <-chan [2]string) {
	for range 2 {
		go func() {
			for e := range events {
				c.Join(e[0], e[1])
				c.Part(e[0], e[1])
			}
		}()
	}
}
