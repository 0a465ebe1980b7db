// Racy shape: a map parameter is handed to one goroutine per resolution, each deletes from it (thanos deduplicate filter)
package dispatch

import "sync"

type blockID string

type blockInfo struct {
	resolution int64
	sources    []blockID
}

type dedupFilter struct{ resolutions []int64 }

func (f *dedupFilter) filter(metas map[blockID]*blockInfo) {
	var wg sync.WaitGroup
	wg.Add(len(f.resolutions))
	for _, r := range f.resolutions {
		go func(res int64) {
			defer wg.Done()
			f.filterResolution(res, metas)
		}(r)
	}
	wg.Wait()
}

func (f *dedupFilter) filterResolution(res int64, metas map[blockID]*blockInfo) {
	for id, m := range metas {
		if m.resolution == res && len(m.sources) == 0 {
			delete(metas, id) // want `(medium|high) unguarded: `
		}
	}
}

func Filter(blocks []blockID) int {
	metas := make(map[blockID]*blockInfo, len(blocks))
	for _, b := range blocks {
		metas[b] = &blockInfo{}
	}
	(&dedupFilter{resolutions: []int64{0, 300, 3600}}).filter(metas)
	return len(metas)
}
