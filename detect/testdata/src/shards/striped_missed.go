// Racy shape: the shards have locks, the size method adds up their lengths without them (concurrent-map libraries)
package shards

import (
	"hash/fnv"
	"sync"
)

type kvShard struct {
	mu    sync.RWMutex
	items map[string]string
}

type kvShards []*kvShard

func (ss kvShards) of(k string) *kvShard {
	h := fnv.New32a()
	_, _ = h.Write([]byte(k))
	return ss[h.Sum32()%uint32(len(ss))]
}

func (ss kvShards) set(k, v string) {
	s := ss.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[k] = v
}

func (ss kvShards) get(k string) string {
	s := ss.of(k)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.items[k]
}

func (ss kvShards) del(k string) {
	s := ss.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.items, k)
}

func (ss kvShards) count() (n int) {
	for _, s := range ss {
		n += len(s.items) // want `(medium|high) partial: len of kvShard.items without kvShard.mu`
	}
	return n
}

func Serve(ss kvShards, ops <-chan string) {
	for range 4 {
		go func() {
			for k := range ops {
				if ss.get(k) == "" {
					ss.set(k, k)
				} else if ss.count() > 1000 {
					ss.del(k)
				}
			}
		}()
	}
}
