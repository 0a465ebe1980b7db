// Racy shape: a helper documented "lock must be held" is called after an early Unlock (nats partitionUnique)
package guards

import "sync"

type consumer struct {
	name    string
	filters []string
}

type stream struct {
	mu        sync.RWMutex
	consumers map[string]*consumer
}

// partitionUnique reports whether no other consumer has one of the filters. Lock should be held.
func (s *stream) partitionUnique(name string, filters []string) bool {
	for n, c := range s.consumers { // want `(medium|high) (partial|iteration): range of stream.consumers without stream.mu`
		if n == name {
			continue
		}
		for _, f := range c.filters {
			for _, g := range filters {
				if f == g {
					return false
				}
			}
		}
	}
	return true
}

func (s *stream) setConsumer(c *consumer) { s.consumers[c.name] = c }

func (s *stream) add(c *consumer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.partitionUnique(c.name, c.filters) {
		return false
	}
	s.setConsumer(c)
	return true
}

func (s *stream) Update(name string, filters []string) bool {
	s.mu.Lock()
	c, ok := s.consumers[name]
	s.mu.Unlock()
	if !ok {
		return s.add(&consumer{name, filters})
	}
	return s.partitionUnique(c.name, filters)
}

func (s *stream) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.consumers, name)
}
