package generic

// Imitates typed event buses.

// An Event has a name.
type Event interface{ Name() string }

// A Bus dispatches events of one type.
type Bus[E Event] struct {
	handlers map[string][]func(E) // racy
	events   chan E
}

// NewBus starts a dispatcher, which Close ends.
func NewBus[E Event]() *Bus[E] {
	b := &Bus[E]{handlers: map[string][]func(E){}, events: make(chan E, 8)}
	go b.dispatch()
	return b
}

func (b *Bus[E]) dispatch() {
	for e := range b.events {
		for _, h := range b.handlers[e.Name()] {
			h(e)
		}
	}
}

// On adds a handler.
func (b *Bus[E]) On(name string, h func(E)) { b.handlers[name] = append(b.handlers[name], h) }

// Emit queues an event.
func (b *Bus[E]) Emit(e E) { b.events <- e }

// Close ends the dispatcher.
func (b *Bus[E]) Close() { close(b.events) }
