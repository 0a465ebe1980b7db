// Racy shape: the racing method is called newSelector, though it makes something else than the provider whose map it deletes from (tempo newBlockSelector)
package contexts2

import "time"

type blockSelector struct{ skip map[string]bool }

type compactionProvider struct {
	running map[string]time.Time
	jobs    chan string
}

func (p *compactionProvider) newBlockSelector() *blockSelector {
	s := &blockSelector{skip: map[string]bool{}}
	for id, since := range p.running {
		if time.Since(since) > time.Hour {
			delete(p.running, id) // want `(medium|high) unguarded: .* of compactionProvider.running`
			continue
		}
		s.skip[id] = true
	}
	return s
}

func (p *compactionProvider) Launch(next func(*blockSelector) string) {
	go func() {
		for id := range p.jobs {
			p.running[id] = time.Now()
		}
	}()
	go func() {
		for range time.Tick(time.Second) {
			p.jobs <- next(p.newBlockSelector())
		}
	}()
}
