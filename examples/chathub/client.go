package chathub

import "io"

// A Client is one connected user.
type Client struct {
	Name string
	out  chan string
}

// NewClient returns a client with room for a few unread messages.
func NewClient(name string) *Client {
	return &Client{Name: name, out: make(chan string, 8)}
}

// offer queues a message and reports whether there was room for it.
func (c *Client) offer(msg string) bool {
	select {
	case c.out <- msg:
		return true
	default:
		return false
	}
}

// pump writes queued messages to w until done is closed.
func (c *Client) pump(w io.Writer, done <-chan struct{}) {
	for {
		select {
		case msg := <-c.out:
			io.WriteString(w, msg+"\n")
		case <-done:
			return
		}
	}
}
