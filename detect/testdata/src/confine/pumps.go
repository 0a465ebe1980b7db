// Racy shape: a connection's read pump and write pump share its subscriptions, each runs on a goroutine (websocket chats)
package confine

import "net/http"

type pumpConn struct {
	subs map[string]bool
	in   chan string
	out  chan string
}

func (c *pumpConn) readPump() {
	for topic := range c.in {
		if c.subs[topic] {
			delete(c.subs, topic)
		} else {
			c.subs[topic] = true
		}
	}
}

func (c *pumpConn) writePump(news <-chan string) {
	for topic := range news {
		if c.subs[topic] { // want `(medium|high) unguarded: .* of pumpConn.subs`
			c.out <- topic
		}
	}
}

type pumpServer struct{ news chan string }

func (s *pumpServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &pumpConn{subs: map[string]bool{}, in: make(chan string), out: make(chan string)}
	go c.readPump()
	go c.writePump(s.news)
}

func ServePumps() error { return http.ListenAndServe(":0", &pumpServer{make(chan string)}) }
