// Racy shape: an actor owns the map, one method looks into it from the caller's goroutine
package confine

type lobby struct {
	members map[string]chan string
	actions chan func()
}

func newLobby() *lobby {
	l := &lobby{members: map[string]chan string{}, actions: make(chan func(), 16)}
	go l.run()
	return l
}

func (l *lobby) run() {
	for f := range l.actions {
		f()
	}
}

func (l *lobby) Join(name string, c chan string) {
	l.actions <- func() { l.members[name] = c }
}

func (l *lobby) Leave(name string) {
	l.actions <- func() { delete(l.members, name) }
}

func (l *lobby) Has(name string) bool {
	_, ok := l.members[name] // want `(medium|high) unguarded: .* of lobby.members .*Has reads it`
	return ok
}
