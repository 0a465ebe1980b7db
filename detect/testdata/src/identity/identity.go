// Package identity: the same field, perhaps of different objects.
package identity

import "sync"

// The lock of another object is no guard.
type Node struct {
	mu   sync.Mutex
	next map[string]*Node
}

func (n *Node) Link(k string, o *Node) { n.mu.Lock(); n.next[k] = o; n.mu.Unlock() }
func (n *Node) Cut(k string)           { n.mu.Lock(); delete(n.next, k); n.mu.Unlock() }
func (n *Node) Get(k string) *Node     { n.mu.Lock(); defer n.mu.Unlock(); return n.next[k] }
func (n *Node) Len() int               { n.mu.Lock(); defer n.mu.Unlock(); return len(n.next) }
func (n *Node) Merge(o *Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k, v := range o.next { // want `high iteration: range of Node.next without Node.mu in \(\*Node\).Merge`
		n.next[k] = v
	}
}

// Both locked: correct.
type Twin struct {
	mu sync.Mutex
	m  map[string]int
}

func (t *Twin) Add(k string) { t.mu.Lock(); t.m[k]++; t.mu.Unlock() }
func (t *Twin) Take(o *Twin) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, v := range o.m {
		t.m[k] = v
	}
}

// The guard belongs to the struct around: correct.
type items struct{ m map[string]int }

func (i *items) put(k string)     { i.m[k] = 1 }
func (i *items) get(k string) int { return i.m[k] }

type Queue struct {
	mu sync.Mutex
	it items
}

func (q *Queue) Put(k string)     { q.mu.Lock(); q.it.put(k); q.mu.Unlock() }
func (q *Queue) Get(k string) int { q.mu.Lock(); defer q.mu.Unlock(); return q.it.get(k) }

// The same part in another owner, under that owner's lock: correct.
type Stack struct {
	mu sync.Mutex
	it items
}

func (s *Stack) Put(k string)     { s.mu.Lock(); s.it.put(k); s.mu.Unlock() }
func (s *Stack) Get(k string) int { s.mu.Lock(); defer s.mu.Unlock(); return s.it.get(k) }

// A mutex local to the function guards nothing that others use.
type Marks struct {
	mu sync.Mutex
	m  map[string]bool
}

func (s *Marks) Fetch(keys []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, k := range keys {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			s.m[k] = true // want `high wrong-lock: write of Marks.m .* holds a local lock but not Marks.mu`
			mu.Unlock()
		}()
	}
	wg.Wait()
}

func (s *Marks) Has(k string) bool { s.mu.Lock(); defer s.mu.Unlock(); return s.m[k] }
func (s *Marks) Del(k string)      { s.mu.Lock(); delete(s.m, k); s.mu.Unlock() }
func (s *Marks) Len() int          { s.mu.Lock(); defer s.mu.Unlock(); return len(s.m) }
func (s *Marks) Put(k string)      { s.mu.Lock(); s.m[k] = false; s.mu.Unlock() }

// Each run of the handler makes an object of its own and works on it in helpers: correct.
type report struct{ lines map[string]int }

func (r *report) add(k string) { r.lines[k]++ }

func (r *report) merge(o map[string]int) {
	for k, v := range o {
		r.lines[k] += v
	}
}

type evaluator struct{ base map[string]int }

func (e *evaluator) eval(ks []string) map[string]int {
	if len(ks) == 0 {
		return e.base
	}
	r := &report{}
	r.lines = e.eval(ks[1:])
	r.add(ks[0])
	r.merge(map[string]int{"n": 1})
	return r.lines
}

// Elements of a collection, one goroutine each: correct.
type loop struct{ cache map[string]int }

func (l *loop) run(in chan string) {
	for k := range in {
		l.cache[k]++
	}
}

func RunLoops(loops map[string]*loop, in chan string) {
	for _, l := range loops {
		go l.run(in)
	}
}
