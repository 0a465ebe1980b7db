package order

import "sync"

// Histogram has two phases: goroutines count into maps of their own, the parent merges.
func Histogram(parts [][]string) map[string]int {
	partial := make([]map[string]int, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() {
			own := map[string]int{}
			for _, w := range p {
				own[w]++
			}
			partial[i] = own
		})
	}
	wg.Wait()
	all := map[string]int{}
	for _, p := range partial {
		for w, n := range p {
			all[w] += n
		}
	}
	return all
}
