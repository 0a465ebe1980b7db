// Correct shape: mutex and map are passed together to helper functions (command line fan-out)
package guards

import "sync"

func tallyInto(mu *sync.Mutex, totals map[string]int, words []string) {
	for _, w := range words {
		mu.Lock()
		totals[w]++
		mu.Unlock()
	}
}

func mergeInto(mu sync.Locker, totals, part map[string]int) {
	mu.Lock()
	defer mu.Unlock()
	for w, n := range part {
		totals[w] += n
	}
}

func TallyAll(docs [][]string) map[string]int {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	totals := map[string]int{}
	for _, d := range docs {
		wg.Add(2)
		go func() {
			defer wg.Done()
			tallyInto(&mu, totals, d)
		}()
		go func() {
			defer wg.Done()
			mergeInto(&mu, totals, map[string]int{"docs": 1})
		}()
	}
	wg.Wait()
	return totals
}
