// Correct shape: the write pump alone keeps the subscriptions, the read pump tells it by channel (websocket chats)
package confine

import "net/http"

type duplexConn struct {
	subs    map[string]bool
	changes chan string
	in      chan string
	out     chan string
}

func (c *duplexConn) readPump() {
	defer close(c.changes)
	for topic := range c.in {
		c.changes <- topic
	}
}

func (c *duplexConn) writePump(news <-chan string) {
	for {
		select {
		case topic, ok := <-c.changes:
			if !ok {
				return
			}
			c.toggle(topic)
		case topic := <-news:
			if c.subs[topic] {
				c.out <- topic
			}
		}
	}
}

func (c *duplexConn) toggle(topic string) {
	if c.subs[topic] {
		delete(c.subs, topic)
	} else {
		c.subs[topic] = true
	}
}

type duplexServer struct{ news chan string }

func (s *duplexServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &duplexConn{
		subs: map[string]bool{}, changes: make(chan string), in: make(chan string), out: make(chan string),
	}
	go c.readPump()
	c.writePump(s.news)
}

func ServeDuplex() error { return http.ListenAndServe(":0", &duplexServer{make(chan string)}) }
