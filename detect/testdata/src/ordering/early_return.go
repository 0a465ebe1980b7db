// Racy shape: an error return skips the Wait, and the deferred summary reads the map that goroutines still fill
package ordering

import (
	"log"
	"sync"
)

func mirrorAll(repos []string, clone func(string) (int64, error)) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		sizes = map[string]int64{}
		fail  error
	)
	defer func() { log.Println("cloned", len(sizes)) }() // want `(medium|high) (partial|unguarded): len of`
	for _, r := range repos {
		if r == "" {
			return log.Output(1, "empty name")
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			n, err := clone(r)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fail = err
				return
			}
			sizes[r] = n
		}()
	}
	wg.Wait()
	return fail
}

func Mirror(repos []string, clone func(string) (int64, error)) error { return mirrorAll(repos, clone) }
