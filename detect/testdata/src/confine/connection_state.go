// Correct shape: connections are registered in a shared locked set, the map inside each is used by its own goroutine only (servers)
package confine

import (
	"bufio"
	"net"
	"strings"
	"sync"
)

type lineConn struct {
	c    net.Conn
	vars map[string]string
}

func (l *lineConn) serve() {
	defer l.c.Close()
	in := bufio.NewScanner(l.c)
	for in.Scan() {
		k, v, set := strings.Cut(in.Text(), "=")
		if set {
			l.vars[k] = v
			continue
		}
		_, _ = l.c.Write([]byte(l.vars[k]))
	}
}

type lineServer struct {
	mu    sync.Mutex
	conns map[*lineConn]bool
}

func (s *lineServer) track(c *lineConn, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on {
		s.conns[c] = true
	} else {
		delete(s.conns, c)
	}
}

func (s *lineServer) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.c.Close()
	}
}

func (s *lineServer) Serve(l net.Listener) error {
	defer s.closeAll()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		lc := &lineConn{c: c, vars: make(map[string]string)}
		s.track(lc, true)
		go func() {
			defer s.track(lc, false)
			lc.serve()
		}()
	}
}
