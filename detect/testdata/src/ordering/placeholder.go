// Correct shape: a constructor returns a shared placeholder beside an error, else an actor of its own, whose mailbox only its goroutine uses (cherry actors)
package ordering

import "errors"

type inbox struct{ handlers map[string]func(string) }

func (b *inbox) stop() {
	for name := range b.handlers {
		delete(b.handlers, name)
	}
}

type stage struct{ quit chan struct{} }

type performer struct {
	id   string
	mail *inbox
	on   *stage
}

var (
	errNoName   = errors.New("no name")
	nobody      = &performer{mail: &inbox{handlers: map[string]func(string){}}}
	backstage   = map[string]*performer{}
	introducing = make(chan *performer)
)

func newPerformer(id string, on *stage) (*performer, error) {
	if id == "" {
		return nobody, errNoName
	}
	p := performer{id: id, on: on}
	p.mail = &inbox{handlers: map[string]func(string){"greet": p.greet}}
	return &p, nil
}

func (p *performer) greet(who string) { _ = p.id + who }

func (p *performer) run() {
	<-p.on.quit
	p.mail.stop()
}

// Cast brings a performer on stage.
func (s *stage) Cast(id string) (*performer, error) {
	p, err := newPerformer(id, s)
	if err != nil {
		return nil, err
	}
	introducing <- p
	go p.run()
	return p, nil
}

// Understudy brings another one in for it.
func (s *stage) Understudy(of *performer) error {
	p, err := newPerformer(of.id+"'s understudy", s)
	if err != nil {
		return err
	}
	introducing <- p
	go p.run()
	return nil
}

// Open directs the performers that arrive.
func Open() *stage {
	go func() {
		for p := range introducing {
			backstage[p.id] = p
		}
	}()
	return &stage{quit: make(chan struct{})}
}
