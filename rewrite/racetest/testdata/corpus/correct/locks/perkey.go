package locks

import "sync"

// A Shard is one of many, each with its own lock and map.
type Shard struct {
	mu sync.Mutex
	m  map[uint64]int
}

// Shards spread keys.
type Shards struct{ all [4]*Shard }

// NewShards returns empty shards.
func NewShards() *Shards {
	s := &Shards{}
	for i := range s.all {
		s.all[i] = &Shard{m: map[uint64]int{}}
	}
	return s
}

// Add counts.
func (s *Shards) Add(k uint64) {
	sh := s.all[k%4]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.m[k]++
}

// Flood counts from goroutines.
func (s *Shards) Flood(keys []uint64) {
	for _, k := range keys {
		go s.Add(k)
	}
}
