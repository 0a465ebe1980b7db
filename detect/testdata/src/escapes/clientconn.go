// Racy shape: conns := cc.conns under the lock, range after Unlock; Close swaps the map for nil and is right (grpc ClientConn)
package escapes

import (
	"errors"
	"sync"
)

type addrConn struct {
	mu      sync.Mutex
	backoff int
}

func (ac *addrConn) resetBackoff() {
	ac.mu.Lock()
	ac.backoff = 0
	ac.mu.Unlock()
}

type ClientConn struct {
	mu    sync.RWMutex
	conns map[*addrConn]struct{}
}

func (cc *ClientConn) newAddrConnLocked() *addrConn {
	ac := &addrConn{}
	cc.conns[ac] = struct{}{}
	return ac
}

func (cc *ClientConn) NewSubConn() (*addrConn, error) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.conns == nil {
		return nil, errors.New("closing")
	}
	return cc.newAddrConnLocked(), nil
}

func (cc *ClientConn) RemoveSubConn(ac *addrConn) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	delete(cc.conns, ac)
}

func (cc *ClientConn) ResetConnectBackoff() {
	cc.mu.Lock()
	conns := cc.conns
	cc.mu.Unlock()
	for ac := range conns { // want `(medium|high) escape: range of ClientConn.conns in \(\*ClientConn\).ResetConnectBackoff`
		ac.resetBackoff()
	}
}

func (cc *ClientConn) Close() error {
	cc.mu.Lock()
	if cc.conns == nil {
		cc.mu.Unlock()
		return errors.New("closed")
	}
	conns := cc.conns
	cc.conns = nil
	cc.mu.Unlock()
	for ac := range conns {
		ac.resetBackoff()
	}
	return nil
}
