// Correct shape: producers and consumers of a keyed queue hold cond.L, Wait gives it back meanwhile (delivery queues)
package ordering

import "sync"

type Mailbox struct {
	cond *sync.Cond
	mail map[string][]string
	done bool
}

func NewMailbox() *Mailbox {
	return &Mailbox{cond: sync.NewCond(new(sync.Mutex)), mail: map[string][]string{}}
}

func (m *Mailbox) Put(to, msg string) {
	m.cond.L.Lock()
	m.mail[to] = append(m.mail[to], msg)
	m.cond.L.Unlock()
	m.cond.Broadcast()
}

func (m *Mailbox) Take(to string) (string, bool) {
	m.cond.L.Lock()
	defer m.cond.L.Unlock()
	for len(m.mail[to]) == 0 {
		if m.done {
			return "", false
		}
		m.cond.Wait()
	}
	msg := m.mail[to][0]
	if m.mail[to] = m.mail[to][1:]; len(m.mail[to]) == 0 {
		delete(m.mail, to)
	}
	return msg, true
}

func (m *Mailbox) Deliver(users []string, f func(string)) {
	for _, u := range users {
		go func() {
			for msg, ok := m.Take(u); ok; msg, ok = m.Take(u) {
				f(msg)
			}
		}()
	}
}
