// Correct shape: workers are looked up under the lock for their channel only, their counters belong to their own goroutine
package elements

import "sync"

type keyWorker struct {
	jobs chan int
	sum  int
	n    int
}

func (w *keyWorker) run(report func(int)) {
	for j := range w.jobs {
		w.sum += j
		w.n++
		if w.n%100 == 0 {
			report(w.sum / w.n)
		}
	}
}

type keyWorkers struct {
	mu      sync.Mutex
	workers map[string]*keyWorker
	report  func(int)
}

func (k *keyWorkers) of(key string) *keyWorker {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, ok := k.workers[key]
	if !ok {
		w = &keyWorker{jobs: make(chan int, 8)}
		k.workers[key] = w
		go w.run(k.report)
	}
	return w
}

func (k *keyWorkers) Submit(key string, job int) { k.of(key).jobs <- job }
