// A map whose owner knows why the race is harmless: every form of declaration can say so,
// and what the directive hides is told.
package directives

import "sync"

// lastSeen is written by many and read by a debug page only.
//
//mapmigrate:ignore a debug aid: see the incident notes // hides unguarded
var lastSeen = map[string]int64{}

// Touch is called for each request.
func Touch(users []string, now int64) {
	for _, u := range users {
		go func() { lastSeen[u] = now }()
	}
}

var (
	hits   = map[string]int{} //mapmigrate:ignore counted by one worker a page // hides unguarded
	misses = map[string]int{}
)

func count(pages []string) {
	for _, p := range pages {
		go func() {
			hits[p]++
			misses[p]++ // want `unguarded: .*misses`
		}()
	}
}

func init() { count(nil) }

// A block speaks for all that it declares.
//
//mapmigrate:ignore both are for the load test // hides unguarded // hides unguarded
var (
	sent     = map[string]int{}
	received = map[string]int{}
)

// Load starts the senders.
func Load(n int) {
	for range n {
		go func() { sent["a"]++; received["a"]++ }()
	}
}

// Tracker has a map that one path forgets to lock.
type Tracker struct {
	mu sync.Mutex
	//mapmigrate:ignore Size is an estimate // hides partial
	peers map[string]bool
}

func (t *Tracker) Add(p string)      { t.mu.Lock(); t.peers[p] = true; t.mu.Unlock() }
func (t *Tracker) Drop(p string)     { t.mu.Lock(); delete(t.peers, p); t.mu.Unlock() }
func (t *Tracker) Has(p string) bool { t.mu.Lock(); defer t.mu.Unlock(); return t.peers[p] }
func (t *Tracker) Reset()            { t.mu.Lock(); defer t.mu.Unlock(); clear(t.peers) }
func (t *Tracker) Size() int         { return len(t.peers) }

// Fan shares a local map.
func Fan(keys []string) int {
	//mapmigrate:ignore the keys are distinct and the table is large enough // hides unguarded
	seen := make(map[string]bool, len(keys))
	var wg sync.WaitGroup
	for _, k := range keys {
		wg.Add(1)
		go func() { defer wg.Done(); seen[k] = true }()
	}
	wg.Wait()
	return len(seen)
}
