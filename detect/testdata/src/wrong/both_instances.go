// Correct shape: merging locks both objects, in an order of their ids (bank accounts, set unions)
package wrong

import "sync"

type tagSet struct {
	id   int
	mu   sync.Mutex
	tags map[string]int
}

func (s *tagSet) add(t string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tags[t]++
}

func (s *tagSet) merge(o *tagSet) {
	first, second := s, o
	if o.id < s.id {
		first, second = o, s
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()
	for t, n := range o.tags {
		s.tags[t] += n
	}
}

func Union(sets []*tagSet, words <-chan string) {
	for _, s := range sets {
		go func() {
			for w := range words {
				s.add(w)
			}
		}()
	}
	for _, s := range sets[1:] {
		sets[0].merge(s)
	}
}
