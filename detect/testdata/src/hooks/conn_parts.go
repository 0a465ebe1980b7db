// Correct shape: the accept function starts a read loop on the connection that it made and returns it; the loop owns a cache in a part of the connection (nats clients)
package hooks

type lineCache struct {
	seen map[string]int
}

// Count is for tools that have a cache of their own.
func (l *lineCache) Count(s string) int {
	l.seen[s]++
	return l.seen[s]
}

type lineConn struct {
	in    chan string
	cache lineCache
}

// Accept makes a connection and starts reading from it.
func Accept(in chan string) *lineConn {
	c := &lineConn{in: in, cache: lineCache{seen: map[string]int{}}}
	go func() { c.readLoop() }()
	return c
}

func (c *lineConn) readLoop() {
	for s := range c.in {
		c.note(s)
	}
}

func (c *lineConn) note(s string) {
	if c.cache.seen[s] == 0 {
		c.cache.seen[s] = 1
	}
}
