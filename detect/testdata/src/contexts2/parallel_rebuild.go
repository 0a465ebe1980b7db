// Correct shape: each shard object is rebuilt by a goroutine of its own, all are waited for before anyone else looks (index builders)
package contexts2

import "sync"

type indexShard struct {
	docs  []string
	terms map[string][]int
}

func (s *indexShard) rebuild(split func(string) []string) {
	s.terms = make(map[string][]int)
	for i, d := range s.docs {
		for _, t := range split(d) {
			s.terms[t] = append(s.terms[t], i)
		}
	}
}

func (s *indexShard) find(term string) int { return len(s.terms[term]) }

type searchIndex struct{ shards []*indexShard }

func (x *searchIndex) rebuild(split func(string) []string) {
	var wg sync.WaitGroup
	wg.Add(len(x.shards))
	for _, s := range x.shards {
		go func() {
			defer wg.Done()
			s.rebuild(split)
		}()
	}
	wg.Wait()
}

func (x *searchIndex) find(term string) (n int) {
	for _, s := range x.shards {
		n += s.find(term)
	}
	return n
}

func Search(docs [][]string, split func(string) []string, terms []string) (n int) {
	x := &searchIndex{}
	for _, d := range docs {
		x.shards = append(x.shards, &indexShard{docs: d})
	}
	x.rebuild(split)
	for _, t := range terms {
		n += x.find(t)
	}
	return n
}
