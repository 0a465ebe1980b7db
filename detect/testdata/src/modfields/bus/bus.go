// Racy shape: a map in an exported field is guarded inside its package, another package reads it directly (exported state)
package bus

import "sync"

// A Bus delivers messages.
type Bus struct {
	mu   sync.Mutex
	Subs map[string][]chan string
}

// New returns a bus.
func New() *Bus { return &Bus{Subs: map[string][]chan string{}} }

// Subscribe adds a subscriber.
func (b *Bus) Subscribe(topic string) <-chan string {
	c := make(chan string, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Subs[topic] = append(b.Subs[topic], c)
	return c
}

// Publish sends to all subscribers.
func (b *Bus) Publish(topic, msg string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.Subs[topic] {
		select {
		case c <- msg:
		default:
		}
	}
}

// Drop removes a topic.
func (b *Bus) Drop(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.Subs, topic)
}
