// Correct shape: messages carry maps as any to the one loop that reads and changes them (actor mailboxes)
package boxes

type envelope struct {
	kind string
	body any
}

type inbox struct {
	in   chan envelope
	quit chan struct{}
}

func newInbox() *inbox {
	b := &inbox{in: make(chan envelope, 8), quit: make(chan struct{})}
	go b.loop()
	return b
}

func (b *inbox) Send(kind string, fields map[string]string) {
	b.in <- envelope{kind, map[string]string{"kind": kind, "n": fields["n"]}}
}

func (b *inbox) loop() {
	for {
		select {
		case e := <-b.in:
			if m, ok := e.body.(map[string]string); ok {
				m["seen"] = e.kind
				println(len(m))
			}
		case <-b.quit:
			return
		}
	}
}
