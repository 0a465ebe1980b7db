package worker

import "sync"

// Imitates fan-outs that collect an error per host.

// Do runs f for each host at the same time and returns what went wrong.
func Do(hosts []string, f func(host string) error) map[string]error {
	errs := map[string]error{} // racy
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(func() {
			errs[h] = f(h)
		})
	}
	wg.Wait()
	return errs
}
