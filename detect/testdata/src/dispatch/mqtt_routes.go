// Racy shape: a method value is registered for several topics with an MQTT library, which calls it from goroutines of its own (telegraf mqtt_consumer)
package dispatch

import mqtt "github.com/eclipse/paho.mqtt.golang"

type topicReader struct {
	client   mqtt.Client
	topics   []string
	messages map[string]int
	acks     chan string
}

func (t *topicReader) receive(_ mqtt.Client, m mqtt.Message) {
	t.messages[m.Topic()]++ // want `(medium|high) unguarded: .* of topicReader.messages`
}

func (t *topicReader) connect() {
	filters := map[string]byte{}
	for _, topic := range t.topics {
		t.client.AddRoute(topic, t.receive)
		filters[topic] = 1
	}
	t.client.SubscribeMultiple(filters, t.receive).Wait()
}

func (t *topicReader) acknowledge() {
	for topic := range t.acks {
		delete(t.messages, topic)
	}
}

func ReadTopics(topics []string, acks chan string) {
	t := &topicReader{topics: topics, messages: map[string]int{}, acks: acks}
	t.client = mqtt.NewClient(mqtt.NewClientOptions())
	t.connect()
	go t.acknowledge()
}
