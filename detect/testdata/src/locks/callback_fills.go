// Correct shape: under the lock, a literal that a list's iterator calls stores in the map what the list returns; others replace map and list under the lock (gf ListMap.Merge)
package locks

import "sync"

// optionalLock does nothing unless it was made to be safe.
type optionalLock struct{ mu *sync.RWMutex }

func (o *optionalLock) Lock() {
	if o.mu != nil {
		o.mu.Lock()
	}
}

func (o *optionalLock) Unlock() {
	if o.mu != nil {
		o.mu.Unlock()
	}
}

type chain struct {
	mu    optionalLock
	items []*int
}

func (c *chain) push(v int) *int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = append(c.items, &v)
	return &v
}

func (c *chain) each(f func(v *int) bool) {
	for _, v := range c.items {
		if !f(v) {
			return
		}
	}
}

// Linked is a map that remembers the order of its keys.
type Linked struct {
	mu   sync.RWMutex
	byID map[int]*int
	list *chain
}

// Merge takes over what other has.
func (l *Linked) Merge(other *Linked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other != l {
		other.mu.RLock()
		defer other.mu.RUnlock()
	}
	other.list.each(func(v *int) bool {
		l.byID[*v] = l.list.push(*v)
		return true
	})
}

// Reset empties the map.
func (l *Linked) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byID, l.list = map[int]*int{}, &chain{}
}

// Add adds v.
func (l *Linked) Add(v int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byID[v] = l.list.push(v)
}

// Remove removes v.
func (l *Linked) Remove(v int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, v)
}

// Has reports whether v was added.
func (l *Linked) Has(v int) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byID[v] != nil
}

// Len is the number of keys.
func (l *Linked) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byID)
}
