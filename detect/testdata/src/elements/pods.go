// Racy shape: element fetched under the lock, its field set after Unlock (kubernetes 81148, scheduling queue timestamps)
package elements

import (
	"sync"
	"time"
)

type podInfo struct {
	name      string
	timestamp time.Time
	attempts  int
}

type Queue struct {
	lock sync.Mutex
	pods map[string]*podInfo
}

func (q *Queue) Add(name string) {
	q.lock.Lock()
	defer q.lock.Unlock()
	q.pods[name] = &podInfo{name: name, timestamp: time.Now()}
}

func (q *Queue) get(name string) *podInfo {
	q.lock.Lock()
	defer q.lock.Unlock()
	return q.pods[name]
}

func (q *Queue) Retry(name string) {
	p := q.get(name)
	if p == nil {
		return
	}
	p.timestamp = time.Now() // want `element`
	p.attempts++
}

func (q *Queue) flushLeftover() {
	q.lock.Lock()
	defer q.lock.Unlock()
	for _, p := range q.pods {
		if time.Since(p.timestamp) > time.Minute {
			delete(q.pods, p.name)
		}
	}
}

func (q *Queue) Run(stop <-chan struct{}) {
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				q.flushLeftover()
			}
		}
	}()
}
