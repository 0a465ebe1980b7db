// Correct shape: the handlers registered with the MQTT library take the lock, the connection-lost handler too (mqtt bridges)
package dispatch

import (
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

type bridge struct {
	mu     sync.Mutex
	routes map[string]int
}

func (b *bridge) receive(_ mqtt.Client, m mqtt.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[m.Topic()] += len(m.Payload())
}

func (b *bridge) lost(mqtt.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.routes)
}

func (b *bridge) open(topics []string) {
	seen := map[string]bool{}
	c := mqtt.NewClient(mqtt.NewClientOptions().SetConnectionLostHandler(b.lost))
	for _, t := range topics {
		if !seen[t] {
			seen[t] = true
			c.AddRoute(t, b.receive)
		}
	}
	c.Connect().Wait()
}

func Bridge(topics []string) { (&bridge{routes: map[string]int{}}).open(topics) }
