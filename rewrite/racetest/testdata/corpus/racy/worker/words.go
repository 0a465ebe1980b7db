package worker

import "sync"

// Imitates the word counts of worker pools: every worker adds to one result.

// Count counts the words of each line.
func Count(lines []string) map[string]int {
	counts := make(map[string]int) // racy
	var wg sync.WaitGroup
	for _, l := range lines {
		wg.Add(1)
		go func(l string) {
			defer wg.Done()
			counts[l]++
		}(l)
	}
	wg.Wait()
	return counts
}
