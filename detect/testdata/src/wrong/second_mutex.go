// Racy shape: a struct with two mutexes, the reload path takes the one for statistics (wrong field of a pair)
package wrong

import (
	"sync"
	"time"
)

type limiter struct {
	bucketsMu sync.Mutex // guards buckets
	buckets   map[string]float64

	statsMu sync.Mutex // guards allowed, denied
	allowed int
	denied  int
}

func (l *limiter) allow(key string) bool {
	l.bucketsMu.Lock()
	ok := l.buckets[key] >= 1
	if ok {
		l.buckets[key]--
	}
	l.bucketsMu.Unlock()
	l.statsMu.Lock()
	defer l.statsMu.Unlock()
	if ok {
		l.allowed++
	} else {
		l.denied++
	}
	return ok
}

func (l *limiter) refill(n float64) {
	l.bucketsMu.Lock()
	defer l.bucketsMu.Unlock()
	for k := range l.buckets {
		l.buckets[k] += n
	}
}

func (l *limiter) reset() {
	l.statsMu.Lock()
	defer l.statsMu.Unlock()
	l.allowed, l.denied = 0, 0
	clear(l.buckets) // want `(medium|high) wrong-lock: clear of limiter.buckets`
}

func (l *limiter) Run(stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	for {
		select {
		case <-tick.C:
			l.refill(1)
		case <-stop:
			l.reset()
			return
		}
	}
}

func (l *limiter) Handle(keys <-chan string) {
	go l.Run(nil)
	for k := range keys {
		l.allow(k)
	}
}
