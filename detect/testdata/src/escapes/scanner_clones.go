// Correct shape: the struct sent on the channel gets a clone of the map first (minio replication stats after the fix)
package escapes

import "maps"

type bucketEntry struct {
	size    int64
	targets map[string]int
}

func (e *bucketEntry) clone() bucketEntry {
	c := *e
	c.targets = maps.Clone(e.targets)
	return c
}

type bucketScanner struct {
	updates chan<- bucketEntry
}

func (f *bucketScanner) scan(objects []string) {
	flat := &bucketEntry{targets: map[string]int{}}
	for i, o := range objects {
		flat.targets[o]++
		flat.size++
		if i%64 == 0 {
			f.updates <- flat.clone()
		}
	}
}

func ScanBucket(objects []string) (n int) {
	updates := make(chan bucketEntry)
	f := &bucketScanner{updates: updates}
	go func() {
		defer close(updates)
		f.scan(objects)
	}()
	for u := range updates {
		for _, t := range u.targets {
			n += t
		}
	}
	return n
}
