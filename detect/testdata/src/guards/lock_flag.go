// Correct shape: a helper locks only when told that its caller does not (nats removeConsumer(lock bool))
package guards

import "sync"

type msgSet struct {
	mu   sync.Mutex
	msgs map[uint64][]byte
	size int
}

func (m *msgSet) remove(seq uint64, needLock bool) bool {
	if needLock {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	b, ok := m.msgs[seq]
	if ok {
		m.size -= len(b)
		delete(m.msgs, seq)
	}
	return ok
}

func (m *msgSet) store(seq uint64, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size > 1<<20 {
		m.remove(seq-1, false)
	}
	m.msgs[seq] = b
	m.size += len(b)
}

func (m *msgSet) load(seq uint64) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.msgs[seq]
}

func (m *msgSet) Ack(acks <-chan uint64) {
	go func() {
		for seq := range acks {
			m.remove(seq, true)
		}
	}()
	for seq := uint64(1); seq < 100; seq++ {
		m.store(seq, m.load(seq-1))
	}
}
