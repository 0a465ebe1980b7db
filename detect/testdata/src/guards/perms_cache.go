// Racy shape: a cache helper runs under the client's lock on the delivery path and without it on the read loop (nats permissions pcache)
package guards

import "sync"

type permissions struct {
	allow  func(string) bool
	pcache map[string]bool
}

type natsClient struct {
	mu    sync.Mutex
	perms *permissions
	in    chan string
	out   chan string
}

func (c *natsClient) prunePerms() {
	for subj := range c.perms.pcache {
		delete(c.perms.pcache, subj)
		if len(c.perms.pcache) < 64 {
			return
		}
	}
}

func (c *natsClient) pubAllowed(subject string) bool {
	ok, found := c.perms.pcache[subject]
	if !found {
		ok = c.perms.allow(subject)
		c.perms.pcache[subject] = ok // want `(medium|high) (partial|unguarded): .* of permissions.pcache`
		if len(c.perms.pcache) > 128 {
			c.prunePerms()
		}
	}
	return ok
}

func (c *natsClient) deliver(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pubAllowed(subject) {
		c.out <- subject
	}
}

func (c *natsClient) readLoop(peers []*natsClient) {
	for subj := range c.in {
		if !c.pubAllowed(subj) {
			continue
		}
		for _, p := range peers {
			p.deliver(subj)
		}
	}
}

func Connect(clients []*natsClient) {
	for _, c := range clients {
		go c.readLoop(clients)
	}
}
