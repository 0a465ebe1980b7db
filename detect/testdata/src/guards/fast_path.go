// Racy shape: an unlocked fast path looks into the pool before the lock that its writers take (dapr GetGRPCConnection)
package guards

import "sync"

type clientConn struct{ target string }

type connManager struct {
	lock  sync.Mutex
	conns map[string]*clientConn
	dial  func(string) (*clientConn, error)
}

func (m *connManager) get(addr string, recreate bool) (*clientConn, error) {
	if c, ok := m.conns[addr]; ok && !recreate { // want `(medium|high) partial: read of connManager.conns without connManager.lock in \(\*connManager\).get`
		return c, nil
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if c, ok := m.conns[addr]; ok && !recreate {
		return c, nil
	}
	c, err := m.dial(addr)
	if err != nil {
		return nil, err
	}
	m.conns[addr] = c
	return c, nil
}

func (m *connManager) closeAll() {
	m.lock.Lock()
	defer m.lock.Unlock()
	clear(m.conns)
}

func (m *connManager) Invoke(addrs []string) {
	for _, a := range addrs {
		go func() { _, _ = m.get(a, false) }()
	}
}

func (m *connManager) Shutdown() { m.closeAll() }
