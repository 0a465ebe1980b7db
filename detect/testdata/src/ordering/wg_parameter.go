// Correct shape: the WaitGroup is passed to the worker function, which reports Done through the pointer (tutorial fan-outs)
package ordering

import "sync"

type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func countWorker(wg *sync.WaitGroup, t *tally, in <-chan string) {
	defer wg.Done()
	for w := range in {
		t.mu.Lock()
		t.counts[w]++
		t.mu.Unlock()
	}
}

func CountStream(in <-chan string, workers int) map[string]int {
	t := &tally{counts: map[string]int{}}
	wg := &sync.WaitGroup{}
	wg.Add(workers)
	for range workers {
		go countWorker(wg, t, in)
	}
	wg.Wait()
	t.counts["workers"] = workers
	return t.counts
}
