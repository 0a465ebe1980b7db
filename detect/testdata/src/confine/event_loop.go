// Correct shape: a hub's select loop alone owns the client set, others reach it through channels (websocket hubs)
package confine

import "net/http"

type wsClient struct {
	hub  *wsHub
	send chan []byte
}

type wsHub struct {
	clients    map[*wsClient]bool // quiet confined
	register   chan *wsClient
	unregister chan *wsClient
	broadcast  chan []byte
}

func newHub() *wsHub {
	return &wsHub{
		clients:    make(map[*wsClient]bool),
		register:   make(chan *wsClient),
		unregister: make(chan *wsClient),
		broadcast:  make(chan []byte),
	}
}

func (h *wsHub) run() {
	for {
		select {
		case c := <-h.register:
			h.clients[c] = true
		case c := <-h.unregister:
			h.drop(c)
		case msg := <-h.broadcast:
			for c := range h.clients {
				select {
				case c.send <- msg:
				default:
					h.drop(c)
				}
			}
		}
	}
}

func (h *wsHub) drop(c *wsClient) {
	if h.clients[c] {
		delete(h.clients, c)
		close(c.send)
	}
}

func (h *wsHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &wsClient{hub: h, send: make(chan []byte, 4)}
	h.register <- c
	defer func() { h.unregister <- c }()
	for msg := range c.send {
		if _, err := w.Write(msg); err != nil {
			return
		}
	}
}

func Chat() error {
	h := newHub()
	go h.run()
	http.Handle("/ws", h)
	return http.ListenAndServe(":0", nil)
}
