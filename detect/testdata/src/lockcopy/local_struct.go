// Correct shape: a struct with a lock and a map lives in a local variable that the goroutines of one call share (fan-out collectors)
package lockcopy

import "sync"

type tallySheet struct {
	mu    sync.Mutex
	votes map[string]int
}

func emptySheet() tallySheet { return tallySheet{votes: map[string]int{}} }

func CountVotes(ballots chan string) int {
	sheet := emptySheet()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for b := range ballots {
				sheet.mu.Lock()
				sheet.votes[b]++
				sheet.mu.Unlock()
			}
		})
	}
	wg.Wait()
	return len(sheet.votes)
}
