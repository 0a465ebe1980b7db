// Racy shape: a semaphore of several slots limits the workers, it does not keep them apart, all fill one map (bounded fan-out)
package ordering

type boundedFetch struct {
	slots chan struct{}
	pages map[string]string
	done  chan struct{}
}

func newBoundedFetch(n int) *boundedFetch {
	return &boundedFetch{slots: make(chan struct{}, n), pages: map[string]string{}, done: make(chan struct{})}
}

func (b *boundedFetch) fetch(url string, get func(string) string) {
	b.slots <- struct{}{}
	defer func() { <-b.slots }()
	b.pages[url] = get(url) // want `(medium|high) unguarded: write of boundedFetch.pages`
	b.done <- struct{}{}
}

func FetchPages(urls []string, get func(string) string) map[string]string {
	b := newBoundedFetch(8)
	for _, u := range urls {
		go b.fetch(u, get)
	}
	for range urls {
		<-b.done
	}
	return b.pages
}
