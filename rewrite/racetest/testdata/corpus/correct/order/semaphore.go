package order

// A Turnstile lets one at a time in, by a channel.
type Turnstile struct {
	sem    chan struct{}
	counts map[string]int
}

// NewTurnstile is open.
func NewTurnstile() *Turnstile {
	return &Turnstile{sem: make(chan struct{}, 1), counts: map[string]int{}}
}

// Pass counts.
func (t *Turnstile) Pass(who string) {
	t.sem <- struct{}{}
	t.counts[who]++
	<-t.sem
}
