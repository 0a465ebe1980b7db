// Correct shape: the goroutines collect what to drop under a local lock, the parent deletes after Wait, still holding its own
package wrong

import "sync"

type shardOwner struct{ idle bool }

type shardSet struct {
	mtx    sync.Mutex
	shards map[string]*shardOwner
}

func (s *shardSet) open(id string) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.shards[id] = &shardOwner{}
}

func (s *shardSet) Prune(wipe func(*shardOwner) error) {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		gone = map[string]bool{}
	)
	s.mtx.Lock()
	defer s.mtx.Unlock()
	for id, o := range s.shards {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if wipe(o) == nil {
				mu.Lock()
				gone[id] = true
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	for id := range gone {
		delete(s.shards, id)
	}
}

func (s *shardSet) Write(reqs <-chan string) {
	go s.Prune(func(*shardOwner) error { return nil })
	for id := range reqs {
		s.open(id)
	}
}
