// Racy shape: a subscription guards its consumer's map by s.consumer.Lock, another type's callback reads the map bare (nats.go ordered consumer)
package guards

import "sync"

type pullSub struct {
	id       string
	consumer *pullConsumer
	msgs     chan string
}

type pullConsumer struct {
	sync.Mutex
	subs map[string]*pullSub
}

func (p *pullConsumer) consume(id string) *pullSub {
	p.Lock()
	defer p.Unlock()
	s := &pullSub{id: id, consumer: p, msgs: make(chan string)}
	p.subs[id] = s
	return s
}

func (s *pullSub) cleanup() {
	s.consumer.Lock()
	defer s.consumer.Unlock()
	delete(s.consumer.subs, s.id)
}

func (p *pullConsumer) active() int {
	p.Lock()
	defer p.Unlock()
	return len(p.subs)
}

type orderedConsumer struct {
	current *pullConsumer
	failed  chan error
}

func (o *orderedConsumer) watch(report func(*pullSub, error)) {
	for err := range o.failed {
		report(o.current.subs[""], err) // want `(medium|high) partial: read of pullConsumer.subs without pullConsumer.Mutex`
	}
}

func (o *orderedConsumer) Consume(report func(*pullSub, error)) {
	go o.watch(report)
	for o.current.active() < 10 {
		s := o.current.consume("")
		go s.cleanup()
	}
}
