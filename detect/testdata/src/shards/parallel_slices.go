// Correct shape: a slice of locks beside a slice of maps, both indexed by the same hash (go-cache janitors)
package shards

import "sync"

type stripes struct {
	locks [16]sync.Mutex
	seen  [16]map[uint64]int
}

func newStripes() *stripes {
	s := &stripes{}
	for i := range s.seen {
		s.seen[i] = make(map[uint64]int)
	}
	return s
}

func (s *stripes) mark(id uint64) int {
	i := id % 16
	s.locks[i].Lock()
	defer s.locks[i].Unlock()
	s.seen[i][id]++
	return s.seen[i][id]
}

func (s *stripes) forget(id uint64) {
	i := id % 16
	s.locks[i].Lock()
	delete(s.seen[i], id)
	s.locks[i].Unlock()
}

func Dedup(ids <-chan uint64, out chan<- uint64) {
	s := newStripes()
	for range 4 {
		go func() {
			for id := range ids {
				if s.mark(id) == 1 {
					out <- id
				} else {
					s.forget(id)
				}
			}
		}()
	}
}
