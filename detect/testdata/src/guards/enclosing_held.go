// Correct shape: the guard is a mutex of the server, the map lies two structs deeper, all ways in hold it (nats mqtt sessions)
package guards

import "sync"

type retained struct {
	msgs  map[string][]byte
	bytes int
}

func (r *retained) set(topic string, b []byte) {
	r.bytes += len(b) - len(r.msgs[topic])
	r.msgs[topic] = b
}

func (r *retained) del(topic string) {
	r.bytes -= len(r.msgs[topic])
	delete(r.msgs, topic)
}

type accountSession struct{ retained retained }

type mqttServer struct {
	mu   sync.Mutex
	sess accountSession
}

func (s *mqttServer) publish(topic string, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(b) == 0 {
		s.sess.retained.del(topic)
		return
	}
	s.sess.retained.set(topic, b)
}

func (s *mqttServer) replay(send func(string, []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, b := range s.sess.retained.msgs {
		send(t, b)
	}
}

func (s *mqttServer) Accept(conns <-chan chan string) {
	for c := range conns {
		go func() {
			for t := range c {
				s.publish(t, []byte(t))
				s.replay(func(string, []byte) {})
			}
		}()
	}
}
