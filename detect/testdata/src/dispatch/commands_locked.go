// Correct shape: the dispatcher takes the lock around every command of the table (redis clones)
package dispatch

import (
	"bufio"
	"net"
	"strings"
	"sync"
)

type store struct {
	mu   sync.Mutex
	data map[string]string
}

type verb func(s *store, args []string) string

var verbs = map[string]verb{
	"get": verbGet,
	"set": verbSet,
}

func verbGet(s *store, args []string) string { return s.data[args[0]] }

func verbSet(s *store, args []string) string {
	s.data[args[0]] = args[1]
	return "OK"
}

func (s *store) exec(line string) string {
	f := strings.Fields(line)
	v, ok := verbs[f[0]]
	if !ok {
		return "ERR"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return v(s, f[1:])
}

func (s *store) handle(c net.Conn) {
	defer c.Close()
	in := bufio.NewScanner(c)
	for in.Scan() {
		_, _ = c.Write([]byte(s.exec(in.Text())))
	}
}

func ServeStore(l net.Listener) error {
	s := &store{data: map[string]string{}}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go s.handle(c)
	}
}
