package shapes

import "sync"

// A Cleaner skips its turn when it is busy.
type Cleaner struct {
	mu   sync.Mutex
	junk map[string]int
}

// NewCleaner has nothing to do.
func NewCleaner() *Cleaner { return &Cleaner{junk: map[string]int{}} }

// Add adds junk.
func (c *Cleaner) Add(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.junk[k]++
}

// Clean cleans, if nobody else is at it.
func (c *Cleaner) Clean() bool {
	if !c.mu.TryLock() {
		return false
	}
	defer c.mu.Unlock()
	clear(c.junk)
	return true
}

// Start cleans in the background.
func (c *Cleaner) Start() { go c.Clean() }
