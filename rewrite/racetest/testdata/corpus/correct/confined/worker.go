package confined

import "sync"

// Dedupe gives each worker a map of its own.
func Dedupe(lists [][]string) int {
	total := make(chan int, len(lists))
	var wg sync.WaitGroup
	for _, l := range lists {
		wg.Go(func() {
			seen := make(map[string]bool)
			for _, s := range l {
				seen[s] = true
			}
			total <- len(seen)
		})
	}
	wg.Wait()
	close(total)
	n := 0
	for t := range total {
		n += t
	}
	return n
}
