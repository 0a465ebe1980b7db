package hub

// Imitates telegraf's MQTT consumer: the client library calls back from its goroutines.

// A Consumer tracks messages that are under way.
type Consumer struct {
	messages map[uint64]bool // racy
	acked    int
}

// NewConsumer returns a consumer with nothing under way.
func NewConsumer() *Consumer { return &Consumer{messages: make(map[uint64]bool)} }

// Receive is called for each message.
func (c *Consumer) Receive(id uint64) { c.messages[id] = true }

// Ack is called when it was delivered.
func (c *Consumer) Ack(id uint64) {
	if c.messages[id] {
		delete(c.messages, id)
	}
}

// Connect hands the callbacks to a client that calls them from goroutines of its own.
func (c *Consumer) Connect(ids <-chan uint64) {
	go func() {
		for id := range ids {
			c.Receive(id)
		}
	}()
	go func() {
		for id := range ids {
			c.Ack(id)
		}
	}()
}
