package confined

type request struct {
	key   string
	reply chan int
}

// An Actor owns its map: one goroutine uses it.
type Actor struct{ in chan request }

// NewActor starts it; Close ends it.
func NewActor() *Actor {
	a := &Actor{in: make(chan request)}
	go a.run()
	return a
}

func (a *Actor) run() {
	counts := map[string]int{}
	for r := range a.in {
		counts[r.key]++
		r.reply <- counts[r.key]
	}
}

// Count asks it.
func (a *Actor) Count(key string) int {
	r := request{key, make(chan int)}
	a.in <- r
	return <-r.reply
}

// Close ends it.
func (a *Actor) Close() { close(a.in) }
