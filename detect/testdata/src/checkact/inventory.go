// Racy shape: stock is read in one section, the price asked meanwhile, and the rest is written back in the next (lost updates over a remote call)
package checkact

import "sync"

type stockRoom struct {
	mu    sync.Mutex
	stock map[string]int
	price func(string) int
}

func (s *stockRoom) buy(item string, n int) (cost int, ok bool) {
	s.mu.Lock()
	have := s.stock[item]
	s.mu.Unlock()
	if have < n {
		return 0, false
	}
	cost = s.price(item) * n
	s.mu.Lock()
	s.stock[item] = have - n // want `medium check-then-act: write of stockRoom.stock`
	s.mu.Unlock()
	return cost, true
}

func (s *stockRoom) restock(item string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stock[item] += n
}

func (s *stockRoom) Open(orders, deliveries <-chan string) {
	for range 3 {
		go func() {
			for o := range orders {
				s.buy(o, 1)
			}
		}()
	}
	for d := range deliveries {
		s.restock(d, 10)
	}
}
