// Racy shape: command functions in a dispatch table run on connection goroutines and share the server's map (redis clones)
package dispatch

import (
	"bufio"
	"net"
	"strings"
)

type server struct {
	data map[string]string
}

type command func(s *server, args []string) string

var commands = map[string]command{
	"GET": cmdGet,
	"SET": cmdSet,
	"DEL": func(s *server, args []string) string {
		delete(s.data, args[0])
		return "OK"
	},
}

func cmdGet(s *server, args []string) string { return s.data[args[0]] }

func cmdSet(s *server, args []string) string {
	s.data[args[0]] = args[1] // want `(medium|high) unguarded: .* of server.data`
	return "OK"
}

func (s *server) handle(c net.Conn) {
	defer c.Close()
	in := bufio.NewScanner(c)
	for in.Scan() {
		f := strings.Fields(in.Text())
		if cmd, ok := commands[f[0]]; ok {
			_, _ = c.Write([]byte(cmd(s, f[1:])))
		}
	}
}

func Serve(l net.Listener) error {
	s := &server{data: map[string]string{}}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go s.handle(c)
	}
}
