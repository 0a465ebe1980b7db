// Package order: accesses that cannot overlap, and some that only seem ordered.
package order

import (
	"sync"
	"sync/atomic"
)

// Filled before the object is known to others: correct.
type Table struct {
	m map[string]int
	c chan string
}

func NewTable(names []string) *Table {
	t := &Table{m: make(map[string]int), c: make(chan string)}
	for i, n := range names {
		t.m[n] = i
	}
	t.fill()
	go t.loop()
	return t
}

func (t *Table) fill() { t.m["default"] = 0 }

// The loop is the only one to use the map from then on: an event loop.
func (t *Table) loop() {
	for n := range t.c {
		t.m[n]++
	}
}

func (t *Table) Send(n string) { t.c <- n }

// WaitGroup: the goroutines share under a lock, the parent reads after Wait: correct.
func Gather(urls []string) map[string]int {
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		out = map[string]int{}
	)
	out["start"] = 1
	for _, u := range urls {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			out[u] = len(u)
			mu.Unlock()
		}()
	}
	wg.Wait()
	out["total"] = len(out)
	return out
}

// The same without the lock: the goroutines race with one another.
func GatherRacy(urls []string) map[string]int {
	var wg sync.WaitGroup
	got := map[string]int{}
	for _, u := range urls {
		wg.Add(1)
		go func() {
			defer wg.Done()
			got[u] = len(u) // want `high unguarded: write of order.GatherRacy.got without a lock`
		}()
	}
	wg.Wait()
	return got
}

// WaitGroup.Go starts them too.
func GatherGo(urls []string) map[string]int {
	var wg sync.WaitGroup
	res := map[string]int{}
	for _, u := range urls {
		wg.Go(func() {
			res[u]++ // want `high unguarded: update of order.GatherGo.res without a lock`
		})
	}
	wg.Wait()
	return res
}

// Read before Wait: the parent overlaps with its goroutine.
func TooEarly() int {
	var wg sync.WaitGroup
	half := map[string]int{}
	wg.Add(1)
	go func() {
		defer wg.Done()
		half["a"] = 1 // want `high unguarded: .* of order.TooEarly.half without a lock`
	}()
	n := half["a"]
	wg.Wait()
	return n
}

// Once: all that Do returns for see the complete map: correct.
var (
	once   sync.Once
	tables map[string]int
)

func Lookup(k string) int {
	once.Do(func() {
		tables = map[string]int{}
		tables["one"] = 1
	})
	return tables[k]
}

// Filled by init, read by handlers: correct.
var static = map[string]string{}

func init() { static["/"] = "index" }

func Page(p string) string { return static[p] }

func ServePages(in chan string) {
	for range 4 {
		go func() {
			for p := range in {
				_ = Page(p)
			}
		}()
	}
}

// Copy on write behind an atomic pointer: correct.
type Config struct {
	mu sync.Mutex
	p  atomic.Pointer[map[string]string]
}

func (c *Config) Get(k string) string { return (*c.p.Load())[k] }

func (c *Config) Set(k, v string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[string]string{}
	for a, b := range *c.p.Load() {
		next[a] = b
	}
	next[k] = v
	c.p.Store(&next)
}

// Handed over by channel: the sender does not touch it again: correct.
type batch struct{ rows map[string]int }

func Produce(out chan *batch) {
	for {
		b := &batch{rows: map[string]int{}}
		b.rows["n"] = 1
		out <- b
	}
}

func Consume(in chan *batch) {
	for b := range in {
		b.rows["seen"]++
	}
}

func Pipeline() {
	c := make(chan *batch)
	go Produce(c)
	go Consume(c)
}

// One connection, one goroutine: each has a map of its own: correct.
type conn struct{ subs map[string]bool }

func (c *conn) serve(in chan string) {
	for s := range in {
		c.subs[s] = true
	}
}

func Accept(conns chan chan string) {
	for in := range conns {
		c := &conn{subs: map[string]bool{}}
		go c.serve(in)
	}
}

// A shared one, started in a loop: its goroutines race.
type hub struct{ subs map[string]bool }

func (h *hub) serve(in chan string) {
	for s := range in {
		h.subs[s] = true // want `high unguarded: write of hub.subs without a lock in \(\*hub\).serve`
	}
}

func AcceptShared(conns chan chan string) {
	h := &hub{subs: map[string]bool{}}
	for in := range conns {
		go h.serve(in)
	}
}

// A lookup with a deferred unlock returns what others know, however its result is kept.
type stream struct {
	mu        sync.Mutex
	consumers map[string]int
}

type account struct {
	mu      sync.Mutex
	streams map[string]*stream
}

func (a *account) lookup(k string) (*stream, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.streams[k]
	if !ok {
		return nil, false
	}
	return s, true
}

func (a *account) Health(k string) (n int) {
	var s *stream
	defer func() { n += len(s.consumers) }() // want `high partial: len of stream.consumers without stream.mu in \(\*account\).Health.func1`
	s, _ = a.lookup(k)
	return n
}

func (s *stream) Set(k string)      { s.mu.Lock(); s.consumers[k] = 1; s.mu.Unlock() }
func (s *stream) Inc(k string)      { s.mu.Lock(); s.consumers[k]++; s.mu.Unlock() }
func (s *stream) Del(k string)      { s.mu.Lock(); delete(s.consumers, k); s.mu.Unlock() }
func (s *stream) Get(k string) int  { s.mu.Lock(); defer s.mu.Unlock(); return s.consumers[k] }
func (s *stream) Has(k string) bool { s.mu.Lock(); defer s.mu.Unlock(); return s.consumers[k] > 0 }
