// Correct shape: a flush locks all shards in order, works on their maps, then unlocks all (striped stores)
package shards

import "sync"

type seriesShard struct {
	mu     sync.Mutex
	series map[uint64]float64
}

type seriesStore struct{ shards [8]seriesShard }

func newSeriesStore() *seriesStore {
	s := &seriesStore{}
	for i := range s.shards {
		s.shards[i].series = make(map[uint64]float64)
	}
	return s
}

func (s *seriesStore) lockAll() {
	for i := range s.shards {
		s.shards[i].mu.Lock()
	}
}

func (s *seriesStore) unlockAll() {
	for i := range s.shards {
		s.shards[i].mu.Unlock()
	}
}

func (s *seriesStore) add(id uint64, v float64) {
	sh := &s.shards[id%8]
	sh.mu.Lock()
	sh.series[id] += v
	sh.mu.Unlock()
}

func (s *seriesStore) flush(write func(uint64, float64)) {
	s.lockAll()
	defer s.unlockAll()
	for i := range s.shards {
		for id, v := range s.shards[i].series {
			write(id, v)
		}
		clear(s.shards[i].series)
	}
}

func Record(ids <-chan uint64, write func(uint64, float64)) {
	s := newSeriesStore()
	for range 4 {
		go func() {
			for id := range ids {
				s.add(id, 1)
				if id%1000 == 0 {
					s.flush(write)
				}
			}
		}()
	}
}
