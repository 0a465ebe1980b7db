package order

import "sync"

// Lengths collects in the parent, after all have ended.
func Lengths(words []string) map[string]int {
	lengths := make([]int, len(words))
	var wg sync.WaitGroup
	for i, w := range words {
		wg.Add(1)
		go func() {
			defer wg.Done()
			lengths[i] = len(w)
		}()
	}
	wg.Wait()
	out := map[string]int{}
	for i, w := range words {
		out[w] = lengths[i]
	}
	return out
}
