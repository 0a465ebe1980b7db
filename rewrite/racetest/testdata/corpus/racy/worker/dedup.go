package worker

import "sync"

// Imitates thanos' DeduplicateFilter: goroutines delete from one map parameter.

// Filter drops what every check drops.
func Filter(metas map[string]int, checks []func(string) bool) { // racy, not found
	var wg sync.WaitGroup
	for _, drop := range checks {
		wg.Go(func() {
			for id := range metas {
				if drop(id) {
					delete(metas, id)
				}
			}
		})
	}
	wg.Wait()
}

// Sync filters a fresh set.
func Sync(ids []string, checks []func(string) bool) int {
	metas := make(map[string]int) // racy, not found
	for i, id := range ids {
		metas[id] = i
	}
	Filter(metas, checks)
	return len(metas)
}
