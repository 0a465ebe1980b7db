// Correct shape: a plugin's Gather locks the map that its watcher goroutine fills (telegraf inputs)
package disk

import "sync"

type Plugin struct {
	mu    sync.Mutex
	usage map[string]int64
	in    chan string
	emit  func(string)
}

func New(in chan string) *Plugin { return &Plugin{in: in, usage: map[string]int64{}} }

func (p *Plugin) Start(emit func(string)) error {
	p.emit = emit
	go p.watch()
	return nil
}

func (p *Plugin) watch() {
	for mount := range p.in {
		p.mu.Lock()
		p.usage[mount]++
		p.mu.Unlock()
	}
}

func (p *Plugin) Gather() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for mount := range p.usage {
		p.emit(mount)
	}
	return nil
}
