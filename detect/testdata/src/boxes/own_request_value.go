// Correct shape: every goroutine of a server puts a scratch map of its own into the context it hands down (tracing baggage)
package boxes

import (
	"context"
	"net"
)

type baggageKey struct{}

type baggage struct{ items map[string]string }

type echo struct{ ln net.Listener }

func (e *echo) serve(ctx context.Context) {
	for {
		c, err := e.ln.Accept()
		if err != nil {
			return
		}
		go e.handle(ctx, c)
	}
}

func (e *echo) handle(ctx context.Context, c net.Conn) {
	defer c.Close()
	ctx = context.WithValue(ctx, baggageKey{}, &baggage{items: map[string]string{}})
	e.read(ctx, c)
}

func (e *echo) read(ctx context.Context, c net.Conn) {
	if b, ok := ctx.Value(baggageKey{}).(*baggage); ok {
		b.items["peer"] = c.RemoteAddr().String()
		for k, v := range b.items {
			_, _ = c.Write([]byte(k + v))
		}
	}
}
