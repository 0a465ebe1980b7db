// Correct shape: the callbacks that New gives to a client take the new object's lock (reconnecting consumers)
package hooks

import "sync"

type leaseOptions struct{ onExpire func(id string) }

type leaseClient struct {
	opts    leaseOptions
	expired chan string
}

func (c *leaseClient) loop() {
	for id := range c.expired {
		c.opts.onExpire(id)
	}
}

type leases struct {
	mu   sync.Mutex
	held map[string]bool
	c    *leaseClient
}

func NewLeases() *leases {
	l := &leases{held: map[string]bool{}}
	l.c = &leaseClient{opts: leaseOptions{onExpire: func(id string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, id)
	}}, expired: make(chan string)}
	go l.c.loop()
	return l
}

func (l *leases) Take(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := l.held[id]
	l.held[id] = true
	return !had
}
