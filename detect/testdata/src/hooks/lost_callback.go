// Racy shape: New gives a client a callback that deletes from the new object's map without its lock, the client's goroutine calls it (nats.go consumers, redis pub/sub)
package hooks

import "sync"

type clientOptions struct {
	onLost func(topic string)
}

type brokerClient struct {
	opts clientOptions
	lost chan string
}

func dialBroker(o clientOptions) *brokerClient {
	c := &brokerClient{opts: o, lost: make(chan string)}
	go c.loop()
	return c
}

func (c *brokerClient) loop() {
	for t := range c.lost {
		if c.opts.onLost != nil {
			c.opts.onLost(t)
		}
	}
}

type topicSet struct {
	mu   sync.Mutex
	subs map[string]int
	c    *brokerClient
}

func NewTopicSet() *topicSet {
	k := &topicSet{subs: map[string]int{}}
	k.c = dialBroker(clientOptions{onLost: func(s string) { delete(k.subs, s) }}) // want `medium partial: delete of topicSet.subs without topicSet.mu`
	return k
}

func (k *topicSet) Subscribe(s string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.subs[s]++
}

func (k *topicSet) Has(s string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.subs[s] > 0
}
