package hub

import "sync"

// Imitates grpc-go's ClientConn.conns: the map itself is taken under the lock and ranged
// after it.

type conn struct{ resets int }

// Conns are open connections.
type Conns struct {
	mu    sync.Mutex
	conns map[int]*conn // racy
}

// NewConns returns none.
func NewConns() *Conns { return &Conns{conns: map[int]*conn{}} }

// Add opens one.
func (c *Conns) Add(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[id] = &conn{}
}

// Remove closes one.
func (c *Conns) Remove(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, id)
}

// Reset visits all.
func (c *Conns) Reset(visit func(id int)) {
	c.mu.Lock()
	conns := c.conns
	c.mu.Unlock()
	for id := range conns {
		visit(id)
	}
}
