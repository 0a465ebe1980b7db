// Correct shape: read under RLock, released, written under Lock (no upgrade in place) (symbol tables)
package wrong

import "sync"

type symtab struct {
	mu   sync.RWMutex
	ids  map[string]int
	next int
}

func (s *symtab) id(name string) int {
	s.mu.RLock()
	n, ok := s.ids[name]
	s.mu.RUnlock()
	if ok {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.ids[name]; ok {
		return n
	}
	s.next++
	s.ids[name] = s.next
	return s.next
}

func (s *symtab) size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.ids)
}

func Intern(names []string) int {
	s := &symtab{ids: map[string]int{}}
	var wg sync.WaitGroup
	for _, n := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.id(n)
		}()
	}
	wg.Wait()
	return s.size()
}
