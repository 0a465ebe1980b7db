// Racy shape: a package map is passed by argument to goroutines that know it as a parameter (crawling statistics)
package dispatch

import "sync"

var pageSizes = map[string]int{}

func measure(sizes map[string]int, url string, get func(string) int) {
	sizes[url] = get(url) // want `(medium|high) unguarded: write of dispatch.pageSizes`
}

func MeasureAll(urls []string, get func(string) int) int {
	var wg sync.WaitGroup
	for _, u := range urls {
		wg.Add(1)
		go func() {
			defer wg.Done()
			measure(pageSizes, u, get)
		}()
	}
	wg.Wait()
	return len(pageSizes)
}
