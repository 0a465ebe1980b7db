// Racy shape: a local mutex guards a local map among goroutines, the error branch of one forgets it (parallel fetches)
package guards

import "sync"

func fetchStatus(urls []string, get func(string) (int, error)) map[string]int {
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		status = map[string]int{}
	)
	for _, u := range urls {
		wg.Add(1)
		go func() {
			defer wg.Done()
			code, err := get(u)
			if err != nil {
				status[u] = -1 // want `(medium|high) partial: write of`
				return
			}
			mu.Lock()
			status[u] = code
			mu.Unlock()
		}()
	}
	wg.Wait()
	return status
}

func Check(urls []string, get func(string) (int, error)) int { return len(fetchStatus(urls, get)) }
