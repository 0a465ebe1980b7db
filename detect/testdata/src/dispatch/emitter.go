// Racy shape: On adds handlers while emit ranges over them on the dispatcher's goroutine (event emitters)
package dispatch

type listener func(string)

type emitter struct {
	handlers map[string][]listener
	events   chan string
}

func newEmitter() *emitter {
	e := &emitter{handlers: map[string][]listener{}, events: make(chan string, 8)}
	go e.dispatch()
	return e
}

func (e *emitter) dispatch() {
	for ev := range e.events {
		for _, h := range e.handlers[ev] {
			h(ev)
		}
	}
}

func (e *emitter) On(ev string, h listener) {
	e.handlers[ev] = append(e.handlers[ev], h) // want `(medium|high) unguarded: .* of emitter.handlers`
}

func (e *emitter) Emit(ev string) { e.events <- ev }

func Events(names []string, h listener) {
	e := newEmitter()
	for _, n := range names {
		e.On(n, h)
		e.Emit(n)
	}
}
