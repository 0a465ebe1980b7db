// Racy shape: a recursive walk starts a goroutine per directory, all mark one visited map (crawlers)
package dispatch

import "sync"

type crawler struct {
	links   func(string) []string
	visited map[string]bool
	wg      sync.WaitGroup
}

func (c *crawler) crawl(url string, depth int) {
	defer c.wg.Done()
	if depth == 0 || c.visited[url] {
		return
	}
	c.visited[url] = true // want `(medium|high) unguarded: write of crawler.visited`
	for _, l := range c.links(url) {
		c.wg.Add(1)
		go c.crawl(l, depth-1)
	}
}

func Crawl(root string, links func(string) []string) int {
	c := &crawler{links: links, visited: map[string]bool{}}
	c.wg.Add(1)
	go c.crawl(root, 4)
	c.wg.Wait()
	return len(c.visited)
}
