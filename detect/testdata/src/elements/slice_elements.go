// Correct shape: elements are slices, appended to and stored under the lock; readers get a copy made under it (mailboxes)
package elements

import (
	"slices"
	"sync"
)

type mailboxes struct {
	mu   sync.Mutex
	mail map[string][]string
}

func (m *mailboxes) post(to, msg string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mail[to] = append(m.mail[to], msg)
}

func (m *mailboxes) read(who string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mail[who])
}

func (m *mailboxes) Exchange(users []string) {
	for _, u := range users {
		go func() {
			for _, msg := range m.read(u) {
				m.post(users[0], msg)
			}
		}()
	}
}
