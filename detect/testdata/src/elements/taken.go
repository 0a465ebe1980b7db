// Correct shape: element removed from the map under the lock, then changed by the one who took it (pending request tables)
package elements

import "sync"

type pendingCall struct {
	reply string
	err   error
	done  chan struct{}
}

type Calls struct {
	mu      sync.Mutex
	pending map[uint64]*pendingCall
	next    uint64
}

func (c *Calls) Start() (uint64, *pendingCall) {
	p := &pendingCall{done: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	c.pending[c.next] = p
	return c.next, p
}

func (c *Calls) Finish(id uint64, reply string, err error) {
	c.mu.Lock()
	p := c.pending[id]
	delete(c.pending, id)
	c.mu.Unlock()
	if p == nil {
		return
	}
	p.reply, p.err = reply, err
	close(p.done)
}

func (c *Calls) Call(send func(uint64)) (string, error) {
	id, p := c.Start()
	go send(id)
	<-p.done
	return p.reply, p.err
}
