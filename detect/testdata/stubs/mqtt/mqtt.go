// Package mqtt stands for the client library of that name: the cases need its names, not its
// features.
package mqtt

// A Message is what a handler gets.
type Message interface {
	Topic() string
	Payload() []byte
}

// A MessageHandler is called for messages, by goroutines of the library.
type MessageHandler func(Client, Message)

// A Token tells when an operation is done.
type Token interface{ Wait() bool }

// A Client is a connection to a broker.
type Client interface {
	Connect() Token
	AddRoute(topic string, callback MessageHandler)
	SubscribeMultiple(filters map[string]byte, callback MessageHandler) Token
}

// ClientOptions describes a client.
type ClientOptions struct{ onLost func(Client, error) }

// NewClientOptions returns options without a handler.
func NewClientOptions() *ClientOptions { return &ClientOptions{} }

// SetConnectionLostHandler sets what to call when the connection is lost.
func (o *ClientOptions) SetConnectionLostHandler(f func(Client, error)) *ClientOptions {
	o.onLost = f
	return o
}

// NewClient returns no client.
func NewClient(o *ClientOptions) Client { return nil }
