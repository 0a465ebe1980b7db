// Racy shape: Start launches a job loop that adds and a ticker that builds a selector, which deletes and ranges (tempo recentJobs)
package contexts2

import "time"

type job struct {
	id     string
	blocks []string
}

type provider struct {
	recent map[string][]string
	next   func(skip map[string]bool) *job
}

func (p *provider) selector() map[string]bool {
	skip := map[string]bool{}
	for id, blocks := range p.recent {
		if len(blocks) == 0 {
			delete(p.recent, id) // want `(medium|high) unguarded: .* of provider.recent`
			continue
		}
		for _, b := range blocks {
			skip[b] = true
		}
	}
	return skip
}

func (p *provider) addRecent(j *job) { p.recent[j.id] = j.blocks }

func (p *provider) Start(jobs chan<- *job) {
	go func() {
		for {
			j := p.next(p.selector())
			p.addRecent(j)
			jobs <- j
		}
	}()
	go func() {
		for range time.Tick(time.Minute) {
			_ = len(p.selector())
		}
	}()
}
