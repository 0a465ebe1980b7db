// Racy shape: a plugin's Gather runs on the agent's goroutines (another package), its own receiver goroutine fills the map (telegraf inputs)
package mqtt

type Plugin struct {
	in   chan string
	seen map[string]int
	emit func(string)
}

func New(in chan string) *Plugin { return &Plugin{in: in, seen: map[string]int{}} }

func (p *Plugin) Start(emit func(string)) error {
	p.emit = emit
	go p.receive()
	return nil
}

func (p *Plugin) receive() {
	for topic := range p.in {
		p.seen[topic]++ // want `(medium|high) unguarded: .* of Plugin.seen`
	}
}

func (p *Plugin) Gather() error {
	for topic, n := range p.seen {
		if n > 0 {
			p.emit(topic)
		}
	}
	return nil
}
