// Correct shape: a row is deleted from the outer map under the lock and then drained by the one who took it (inboxes)
package rows

import "sync"

type inbox struct {
	mu   sync.Mutex
	mail map[string]map[int]string
	seq  int
}

func (b *inbox) deliver(to, msg string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := b.mail[to]
	if row == nil {
		row = make(map[int]string)
		b.mail[to] = row
	}
	b.seq++
	row[b.seq] = msg
}

func (b *inbox) take(who string) map[int]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := b.mail[who]
	delete(b.mail, who)
	return row
}

func (b *inbox) flush(who string, send func(string) error) (failed int) {
	row := b.take(who)
	for id, msg := range row {
		if send(msg) != nil {
			failed++
			continue
		}
		delete(row, id)
	}
	return failed
}

func (b *inbox) Run(users []string, send func(string) error) {
	for _, u := range users {
		go func() {
			b.deliver(u, "hello")
			b.flush(u, send)
		}()
	}
}
