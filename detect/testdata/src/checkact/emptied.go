// Racy shape: last subscriber seen gone under the lock, topic deleted under a second Lock (pub/sub brokers)
package checkact

import "sync"

type Broker struct {
	mu     sync.Mutex
	topics map[string][]chan string
}

func (b *Broker) Subscribe(topic string) chan string {
	c := make(chan string, 1)
	b.mu.Lock()
	b.topics[topic] = append(b.topics[topic], c)
	b.mu.Unlock()
	return c
}

func (b *Broker) Unsubscribe(topic string, c chan string) {
	b.mu.Lock()
	kept := b.topics[topic][:0]
	for _, x := range b.topics[topic] {
		if x != c {
			kept = append(kept, x)
		}
	}
	b.topics[topic] = kept
	last := len(b.topics[topic]) == 0
	b.mu.Unlock()
	close(c)
	if last {
		b.mu.Lock()
		delete(b.topics, topic) // want `check-then-act`
		b.mu.Unlock()
	}
}

func (b *Broker) Run(topics []string) {
	for _, t := range topics {
		go func() {
			c := b.Subscribe(t)
			b.Unsubscribe(t, c)
		}()
	}
}
