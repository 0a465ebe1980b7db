// Racy shape: every call makes a mutex of its own for its goroutines, the getter takes none (thanos no-compact filter)
package wrong

import "sync"

type mark struct{ reason string }

type markFilter struct {
	fetch func(string) (*mark, error)
	marks map[string]*mark
}

func (f *markFilter) Marks() map[string]*mark { return f.marks }

func (f *markFilter) filter(ids []string) {
	var (
		mtx sync.Mutex
		wg  sync.WaitGroup
	)
	f.marks = make(map[string]*mark)
	for _, id := range ids {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m, err := f.fetch(id)
			if err != nil {
				return
			}
			mtx.Lock()
			defer mtx.Unlock()
			f.marks[id] = m // want `(medium|high) (unguarded|wrong-lock|partial): `
		}()
	}
	wg.Wait()
}

type planner struct{ f *markFilter }

func (p *planner) plan(ids []string) (out []string) {
	marks := p.f.Marks()
	for _, id := range ids {
		if _, skip := marks[id]; !skip {
			out = append(out, id)
		}
	}
	return out
}

func Compact(f *markFilter, syncs <-chan []string) {
	p := &planner{f}
	go func() {
		for ids := range syncs {
			f.filter(ids)
		}
	}()
	for {
		_ = p.plan([]string{"a"})
	}
}
