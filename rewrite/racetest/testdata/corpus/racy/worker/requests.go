package worker

// Imitates request loops of actors and brokers: what comes through the channel is handled
// by one goroutine, but a getter looks at its map from outside.

type lease struct {
	id    int64
	owner string
}

// A Lessor hands out leases.
type Lessor struct {
	owners map[int64]string // racy, not found
	grants chan lease
	stop   chan struct{}
}

// NewLessor starts the loop, which Stop ends.
func NewLessor() *Lessor {
	l := &Lessor{owners: make(map[int64]string), grants: make(chan lease), stop: make(chan struct{})}
	go func() {
		for {
			select {
			case g := <-l.grants:
				l.owners[g.id] = g.owner
			case <-l.stop:
				return
			}
		}
	}()
	return l
}

// Grant gives a lease away.
func (l *Lessor) Grant(id int64, owner string) { l.grants <- lease{id, owner} }

// Owner returns who has a lease.
func (l *Lessor) Owner(id int64) string { return l.owners[id] }

// Check asks for many leases at once.
func (l *Lessor) Check(ids []int64) {
	for _, id := range ids {
		go l.Owner(id)
	}
}

// Stop ends the loop.
func (l *Lessor) Stop() { close(l.stop) }
