package hub

// Imitates brokers whose Publish ranges a topic's subscribers while others subscribe.

// A Broker delivers messages.
type Broker struct {
	topics map[string][]func(string) // racy
	queue  chan [2]string
}

// NewBroker returns a broker; Run delivers.
func NewBroker() *Broker {
	return &Broker{topics: map[string][]func(string){}, queue: make(chan [2]string, 16)}
}

// Run delivers until the queue is closed.
func (b *Broker) Run() {
	for m := range b.queue {
		b.deliver(m[0], m[1])
	}
}

// Start runs the broker in the background.
func (b *Broker) Start() { go b.Run() }

func (b *Broker) deliver(topic, text string) {
	for _, f := range b.topics[topic] {
		f(text)
	}
}

// Subscribe adds a subscriber.
func (b *Broker) Subscribe(topic string, f func(string)) {
	b.topics[topic] = append(b.topics[topic], f)
}

// Publish queues a message.
func (b *Broker) Publish(topic, text string) { b.queue <- [2]string{topic, text} }

// Close ends Run.
func (b *Broker) Close() { close(b.queue) }
