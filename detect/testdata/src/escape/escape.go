// Package escape: maps that leave the critical section.
package escape

import (
	"maps"
	"sync"
)

type conn struct{ id int }

type Pool struct {
	mu    sync.Mutex
	conns map[*conn]bool
}

func (p *Pool) Add(c *conn)    { p.mu.Lock(); p.conns[c] = true; p.mu.Unlock() }
func (p *Pool) Remove(c *conn) { p.mu.Lock(); delete(p.conns, c); p.mu.Unlock() }
func (p *Pool) Len() int       { p.mu.Lock(); defer p.mu.Unlock(); return len(p.conns) }

// A two-line alias: fetched under the lock, ranged over after it.
func (p *Pool) Reset() {
	p.mu.Lock()
	cs := p.conns
	p.mu.Unlock()
	for c := range cs { // want `escape: range of Pool.conns in \(\*Pool\).Reset .* after Pool.mu was released`
		c.id = 0
	}
}

// Taken over: the variable gets another map under the same lock: correct.
func (p *Pool) Close() {
	p.mu.Lock()
	cs := p.conns
	p.conns = nil
	p.mu.Unlock()
	for c := range cs {
		c.id = 0
	}
}

// Taken over, then used by a literal: correct.
func (p *Pool) Drain(each func(func(*conn) bool)) {
	p.mu.Lock()
	cs := p.conns
	p.conns = make(map[*conn]bool)
	p.mu.Unlock()
	each(func(c *conn) bool { return cs[c] })
}

// Copied under the lock: correct.
func (p *Pool) All() map[*conn]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.conns)
}

// Returned under the lock: the caller gets the map itself.
type Labels struct {
	mu sync.RWMutex
	m  map[string]string
}

func (l *Labels) Set(k, v string) { l.mu.Lock(); l.m[k] = v; l.mu.Unlock() }
func (l *Labels) Del(k string)    { l.mu.Lock(); delete(l.m, k); l.mu.Unlock() }
func (l *Labels) Map() map[string]string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.m // want `medium escape: \(\*Labels\).Map returns Labels.m itself`
}

// Copied in a loop: correct.
func (l *Labels) Copy() map[string]string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make(map[string]string, len(l.m))
	for k, v := range l.m {
		out[k] = v
	}
	return out
}

// A getter inside the package, used without the lock by its caller.
type Quotas struct {
	mu sync.Mutex
	m  map[string]int
}

func (q *Quotas) table() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.m
}

func (q *Quotas) Set(k string) { q.mu.Lock(); q.m[k] = 1; q.mu.Unlock() }
func (q *Quotas) Inc(k string) { q.mu.Lock(); q.m[k]++; q.mu.Unlock() }
func (q *Quotas) Sum() (n int) {
	for _, v := range q.table() { // want `escape: range of Quotas.m in \(\*Quotas\).Sum`
		n += v
	}
	return n
}

// A struct copy shares its maps.
type meta struct {
	name string
	tags map[string]string
}

type Holder struct {
	mu sync.Mutex
	md *meta
}

func (h *Holder) Tag(k, v string) { h.mu.Lock(); h.md.tags[k] = v; h.mu.Unlock() }
func (h *Holder) Untag(k string)  { h.mu.Lock(); delete(h.md.tags, k); h.mu.Unlock() }
func (h *Holder) Tags() int       { h.mu.Lock(); defer h.mu.Unlock(); return len(h.md.tags) }
func (h *Holder) Rename(n string) int {
	h.mu.Lock()
	c := *h.md
	h.mu.Unlock()
	c.name = n
	c.tags["renamed"] = n // want `escape: write of meta.tags in \(\*Holder\).Rename`
	return len(c.name)
}

// A struct copy whose map is replaced by a clone before use: correct.
func (h *Holder) Renamed(n string) *meta {
	h.mu.Lock()
	c := *h.md
	c.tags = maps.Clone(c.tags)
	h.mu.Unlock()
	c.tags["renamed"] = n
	return &c
}

// A copying method; its caller gives the copy a map of its own: correct.
func (m *meta) copy() *meta {
	c := *m
	c.name += "'"
	return &c
}

func (h *Holder) Without(k string) *meta {
	h.mu.Lock()
	c := h.md.copy()
	h.mu.Unlock()
	c.tags = make(map[string]string)
	c.tags["without"] = k
	return c
}
