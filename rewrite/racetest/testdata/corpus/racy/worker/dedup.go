package worker

import (
	"slices"
	"sync"
)

// Imitates thanos's DeduplicateFilter: a goroutine for each resolution, all of which delete
// the duplicates that they find from the same map.

// A Block is what a store holds.
type Block struct {
	ID         string
	Resolution int64
	Sources    []string
}

// A Deduper drops blocks that others contain.
type Deduper struct{}

// Drop removes them from blocks.
func (d *Deduper) Drop(blocks map[string]*Block) { // racy
	groups := map[int64][]*Block{}
	for _, b := range blocks {
		groups[b.Resolution] = append(groups[b.Resolution], b)
	}
	var wg sync.WaitGroup
	for _, group := range groups {
		wg.Add(1)
		go func() {
			defer wg.Done()
			d.dropFrom(group, blocks)
		}()
	}
	wg.Wait()
}

func (d *Deduper) dropFrom(group []*Block, blocks map[string]*Block) {
	for i, b := range group {
		for _, other := range group[:i] {
			if slices.Equal(b.Sources, other.Sources) {
				delete(blocks, b.ID)
			}
		}
	}
}
