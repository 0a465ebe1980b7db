// Correct shape: a semaphore of several slots limits the workers, a mutex keeps them apart at the map (bounded fan-out)
package ordering

import "sync"

type boundedHash struct {
	slots chan struct{}
	mu    sync.Mutex
	sums  map[string]uint64
	wg    sync.WaitGroup
}

func (b *boundedHash) hash(name string, sum func(string) uint64) {
	defer b.wg.Done()
	b.slots <- struct{}{}
	defer func() { <-b.slots }()
	s := sum(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sums[name] = s
}

func HashFiles(names []string, sum func(string) uint64) map[string]uint64 {
	b := &boundedHash{slots: make(chan struct{}, 8), sums: make(map[string]uint64, len(names))}
	for _, n := range names {
		b.wg.Add(1)
		go b.hash(n, sum)
	}
	b.wg.Wait()
	for n, s := range b.sums {
		if s == 0 {
			delete(b.sums, n)
		}
	}
	return b.sums
}
