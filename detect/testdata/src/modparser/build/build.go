// Package build parses files in parallel.
package build

import (
	"sync"

	"cases/modparser/parse"
)

// All parses all files and merges their symbols.
func All(files [][]string) map[string]int {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		total = map[string]int{}
	)
	for _, f := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := parse.New()
			p.Parse(f)
			mu.Lock()
			defer mu.Unlock()
			for s, n := range p.Symbols() {
				total[s] += n
			}
		}()
	}
	wg.Wait()
	return total
}
