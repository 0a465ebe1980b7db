// Racy shape: maps.Clone of a nested map under the lock shares the rows, which the reader ranges over outside (minio usage cache)
package escapes

import (
	"maps"
	"sync"
)

type Usages struct {
	mu       sync.Mutex
	children map[string]map[string]int64
}

func (u *Usages) Add(bucket, object string, size int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	row := u.children[bucket]
	if row == nil {
		row = map[string]int64{}
		u.children[bucket] = row
	}
	row[object] += size
}

func (u *Usages) Forget(bucket, object string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.children[bucket], object)
	if len(u.children[bucket]) == 0 {
		delete(u.children, bucket)
	}
}

func (u *Usages) Totals() map[string]int64 {
	u.mu.Lock()
	all := maps.Clone(u.children)
	u.mu.Unlock()
	out := make(map[string]int64, len(all))
	for bucket, row := range all {
		for _, n := range row { // want `(medium|high) (inner|escape)`
			out[bucket] += n
		}
	}
	return out
}

func (u *Usages) Watch(events <-chan [2]string) {
	go func() {
		for e := range events {
			u.Add(e[0], e[1], 1)
		}
	}()
}
