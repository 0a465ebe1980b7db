// Racy shape: the map lies in a state struct with its own embedded lock; the loader goroutine of the pool around it writes bare (minio resync)
package guards

import (
	"sync"
	"time"
)

type resyncState struct {
	sync.RWMutex
	status map[string]int
}

type replicationPool struct {
	state resyncState
	save  func(string, int) error
}

func (p *replicationPool) load(buckets []string, read func(string) (int, error)) {
	for _, b := range buckets {
		st, err := read(b)
		if err != nil {
			continue
		}
		p.state.status[b] = st // want `(medium|high) partial: write of resyncState.status without resyncState.RWMutex`
	}
}

func (p *replicationPool) persist() {
	for range time.Tick(time.Second) {
		p.state.RLock()
		for b, st := range p.state.status {
			_ = p.save(b, st)
		}
		p.state.RUnlock()
	}
}

func (p *replicationPool) drop(bucket string) {
	p.state.Lock()
	delete(p.state.status, bucket)
	p.state.Unlock()
}

func (p *replicationPool) statusOf(bucket string) int {
	p.state.RLock()
	defer p.state.RUnlock()
	return p.state.status[bucket]
}

func StartReplication(buckets []string, read func(string) (int, error), gone <-chan string) {
	p := &replicationPool{state: resyncState{status: map[string]int{}}}
	go p.load(buckets, read)
	go p.persist()
	for b := range gone {
		if p.statusOf(b) > 0 {
			p.drop(b)
		}
	}
}
