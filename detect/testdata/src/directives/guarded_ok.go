// Correct shape: every way to the map holds the lock that its declaration names, be it of the struct, of a parent, embedded, or a package's
package directives

import (
	"sync"

	"cases/directives/shared"
)

type parentNode struct {
	mu       sync.Mutex
	children map[string]*childNode // quiet guarded
	//
	//mapmigrate:guardedby mu
	names map[string]int
}

type childNode struct {
	parent *parentNode
	attrs  map[string]string //mapmigrate:guardedby parent.mu // quiet guarded
}

func (p *parentNode) Set(name, k, v string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.children[name]
	if c == nil {
		c = &childNode{parent: p, attrs: map[string]string{}}
		p.children[name] = c
		p.names[name]++
	}
	c.attrs[k] = v
}

func (c *childNode) Attr(k string) string {
	c.parent.mu.Lock()
	defer c.parent.mu.Unlock()
	return c.attrs[k]
}

// Pool embeds its lock.
type Pool struct {
	sync.Mutex
	conns map[string]int //mapmigrate:guardedby Mutex // quiet guarded
}

func (p *Pool) Put(k string)     { p.Lock(); p.conns[k]++; p.Unlock() }
func (p *Pool) Get(k string) int { p.Lock(); defer p.Unlock(); return p.conns[k] }

var (
	tableMu sync.Mutex
	table   = map[string]int{} //mapmigrate:guardedby tableMu // quiet guarded
)

func SetTable(k string) { tableMu.Lock(); table[k]++; tableMu.Unlock() }

// Tagged relies on the lock of another package.
type Tagged struct {
	tags map[string]int //mapmigrate:guardedby shared.Mu // quiet guarded
}

func (t *Tagged) Tag(k string) { shared.Mu.Lock(); t.tags[k]++; shared.Mu.Unlock() }

// Gather has a lock of its own for its own map.
func Gather(keys []string) map[string]int {
	var mu sync.Mutex
	sums := map[string]int{} //mapmigrate:guardedby mu // quiet guarded
	var wg sync.WaitGroup
	for _, k := range keys {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			sums[k]++
			mu.Unlock()
		}()
	}
	wg.Wait()
	return sums
}
