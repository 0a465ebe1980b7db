// Correct shape: each goroutine fills the map at its own index of a slice, they are merged after Wait (parallel tokenizers)
package shards

import (
	"strings"
	"sync"
)

func countParallel(docs []string, workers int) map[string]int {
	parts := make([]map[string]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		parts[w] = make(map[string]int)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < len(docs); i += workers {
				for _, t := range strings.Fields(docs[i]) {
					parts[w][t]++
				}
			}
		}()
	}
	wg.Wait()
	total := parts[0]
	for _, p := range parts[1:] {
		for t, n := range p {
			total[t] += n
		}
	}
	return total
}

func Vocabulary(docs []string) int { return len(countParallel(docs, 8)) }
