// Correct shape: an actor runs closures sent to it, all of them touch its map on its goroutine (raft nodes, libp2p)
package confine

type room struct {
	members map[string]chan string
	actions chan func()
	quit    chan struct{}
}

func newRoom() *room {
	r := &room{
		members: map[string]chan string{},
		actions: make(chan func(), 16),
		quit:    make(chan struct{}),
	}
	go r.run()
	return r
}

func (r *room) run() {
	for {
		select {
		case f := <-r.actions:
			f()
		case <-r.quit:
			for name, c := range r.members {
				close(c)
				delete(r.members, name)
			}
			return
		}
	}
}

func (r *room) Join(name string, c chan string) {
	r.actions <- func() { r.members[name] = c }
}

func (r *room) Leave(name string) {
	r.actions <- func() {
		if c, ok := r.members[name]; ok {
			close(c)
			delete(r.members, name)
		}
	}
}

func (r *room) Count() int {
	n := make(chan int)
	r.actions <- func() { n <- len(r.members) }
	return <-n
}
