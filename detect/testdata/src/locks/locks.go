// Package locks: how locks are recognised and which accesses hold them.
package locks

import (
	"sync"
)

// The odd one out: five accesses hold the guard, Len does not.
type Registry struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *Registry) Inc(k string)      { r.mu.Lock(); defer r.mu.Unlock(); r.n[k]++ }
func (r *Registry) Dec(k string)      { r.mu.Lock(); defer r.mu.Unlock(); r.n[k]-- }
func (r *Registry) Drop(k string)     { r.mu.Lock(); delete(r.n, k); r.mu.Unlock() }
func (r *Registry) Get(k string) int  { r.mu.Lock(); defer r.mu.Unlock(); return r.n[k] }
func (r *Registry) Has(k string) bool { r.mu.Lock(); defer r.mu.Unlock(); _, ok := r.n[k]; return ok }
func (r *Registry) Size() int         { return len(r.n) } // want `high partial: len of Registry.n without Registry.mu in \(\*Registry\).Size \(exported API .*\), which 5 of 6 accesses hold; .* under Registry.mu`

// Early returns unlock on their way; the rest stays under the lock: correct.
type Early struct {
	mu sync.RWMutex
	m  map[string]string
}

func (e *Early) Set(k, v string) bool {
	e.mu.Lock()
	if k == "" {
		e.mu.Unlock()
		return false
	}
	if _, ok := e.m[k]; ok {
		e.mu.Unlock()
		return false
	}
	e.m[k] = v
	e.mu.Unlock()
	return true
}

func (e *Early) Get(k string) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.m[k]
}

// A branch that unlocks and goes on using the map.
type Branchy struct {
	mu sync.Mutex
	m  map[string]int
}

func (b *Branchy) Put(k string)     { b.mu.Lock(); b.m[k] = 1; b.mu.Unlock() }
func (b *Branchy) Add(k string)     { b.mu.Lock(); b.m[k]++; b.mu.Unlock() }
func (b *Branchy) Del(k string)     { b.mu.Lock(); delete(b.m, k); b.mu.Unlock() }
func (b *Branchy) Get(k string) int { b.mu.Lock(); defer b.mu.Unlock(); return b.m[k] }
func (b *Branchy) Swap(k string) int {
	b.mu.Lock()
	old := b.m[k]
	b.mu.Unlock()
	b.m[k] = old + 1 // want `high partial: write of Branchy.m without Branchy.mu`
	return old
}

// A write under the read lock: a getter that fills a cache.
type Lazy struct {
	mu sync.RWMutex
	m  map[string][]byte
}

func (l *Lazy) Get(k string) []byte {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if v, ok := l.m[k]; ok {
		return v
	}
	l.m[k] = []byte(k) // want `high read-lock-write: write of Lazy.m under a read lock of Lazy.mu`
	return nil
}

func (l *Lazy) Forget(k string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.m, k)
}

// Wrapper methods lock and unlock: correct.
type wrapped struct {
	mu sync.Mutex
	m  map[string]int
}

func (w *wrapped) lock()   { w.mu.Lock() }
func (w *wrapped) unlock() { w.mu.Unlock() }

func (w *wrapped) bump(k string) {
	w.lock()
	defer w.unlock()
	w.m[k]++
}

func (w *wrapped) read(k string) int {
	w.lock()
	v := w.m[k]
	w.unlock()
	return v
}

func RunWrapped(w *wrapped) {
	go w.bump("a")
	_ = w.read("a")
}

// An embedded mutex, used through the struct: correct but for one.
type Embedded struct {
	sync.RWMutex
	m map[int]string
}

func (e *Embedded) Put(k int, v string) { e.Lock(); e.m[k] = v; e.Unlock() }
func (e *Embedded) Del(k int)           { e.Lock(); defer e.Unlock(); delete(e.m, k) }
func (e *Embedded) Get(k int) string    { e.RLock(); defer e.RUnlock(); return e.m[k] }
func (e *Embedded) Has(k int) bool      { e.RLock(); defer e.RUnlock(); return e.m[k] != "" }
func (e *Embedded) Wipe()               { clear(e.m) } // want `high partial: clear of Embedded.m without Embedded.RWMutex`

// A lock that is no sync.Mutex: recognised by its methods.
type tokenLock struct{ c chan struct{} }

func (t *tokenLock) Lock()   { t.c <- struct{}{} }
func (t *tokenLock) Unlock() { <-t.c }

type Tokens struct {
	lk tokenLock
	m  map[string]bool
}

func (t *Tokens) Add(k string)      { t.lk.Lock(); t.m[k] = true; t.lk.Unlock() }
func (t *Tokens) Del(k string)      { t.lk.Lock(); delete(t.m, k); t.lk.Unlock() }
func (t *Tokens) Has(k string) bool { t.lk.Lock(); defer t.lk.Unlock(); return t.m[k] }

// A lock behind an interface: correct.
type Behind struct {
	mu sync.Locker
	m  map[string]bool
}

func (b *Behind) Add(k string)      { b.mu.Lock(); b.m[k] = true; b.mu.Unlock() }
func (b *Behind) Has(k string) bool { b.mu.Lock(); defer b.mu.Unlock(); return b.m[k] }

// "Caller must hold mu": all do, so the helper is guarded.
type Helped struct {
	mu sync.Mutex
	m  map[string]int
}

func (h *Helped) addLocked(k string) { h.m[k]++ }
func (h *Helped) Add(k string)       { h.mu.Lock(); h.addLocked(k); h.mu.Unlock() }
func (h *Helped) AddTwo(a, b string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.addLocked(a)
	h.addLocked(b)
}

// The same promise, broken by one caller.
type Broken struct {
	mu sync.Mutex
	m  map[string]int
}

func (b *Broken) dropLocked(k string) { delete(b.m, k) } // want `partial: delete of Broken.m without Broken.mu in \(\*Broken\).dropLocked \(exported API \(\*Broken\).Expire\)`
func (b *Broken) Drop(k string)       { b.mu.Lock(); b.dropLocked(k); b.mu.Unlock() }
func (b *Broken) Expire(k string)     { b.dropLocked(k) }
func (b *Broken) Put(k string)        { b.mu.Lock(); b.m[k] = 1; b.mu.Unlock() }
func (b *Broken) Inc(k string)        { b.mu.Lock(); b.m[k]++; b.mu.Unlock() }
func (b *Broken) Get(k string) int    { b.mu.Lock(); defer b.mu.Unlock(); return b.m[k] }
func (b *Broken) Len() int            { b.mu.Lock(); defer b.mu.Unlock(); return len(b.m) }

// The helper gives the caller's lock back around a slow call: correct at both accesses.
type Pauses struct {
	mu sync.Mutex
	m  map[string]int
}

func (p *Pauses) fetchLocked(k string) {
	p.m[k] = 1
	p.mu.Unlock()
	slow()
	p.mu.Lock()
	p.m[k] = 2
}

func slow() {}

func (p *Pauses) Fetch(k string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetchLocked(k)
	p.m[k]++
}

func (p *Pauses) Get(k string) int { p.mu.Lock(); defer p.mu.Unlock(); return p.m[k] }

// TryLock guards the branch in which it succeeded: correct.
type Tries struct {
	mu sync.Mutex
	m  map[string]int
}

func (t *Tries) Maybe(k string) bool {
	if !t.mu.TryLock() {
		return false
	}
	defer t.mu.Unlock()
	t.m[k]++
	return true
}

func (t *Tries) Get(k string) int { t.mu.Lock(); defer t.mu.Unlock(); return t.m[k] }

// Two mutexes, and the wrong one taken.
type Pair struct {
	mu    sync.Mutex
	stats sync.Mutex
	m     map[string]int
}

func (p *Pair) Put(k string)     { p.mu.Lock(); p.m[k] = 1; p.mu.Unlock() }
func (p *Pair) Inc(k string)     { p.mu.Lock(); p.m[k]++; p.mu.Unlock() }
func (p *Pair) Get(k string) int { p.mu.Lock(); defer p.mu.Unlock(); return p.m[k] }
func (p *Pair) Len() int         { p.mu.Lock(); defer p.mu.Unlock(); return len(p.m) }
func (p *Pair) Drop(k string) {
	p.stats.Lock()
	defer p.stats.Unlock()
	delete(p.m, k) // want `high wrong-lock: delete of Pair.m in \(\*Pair\).Drop \(.*\) holds Pair.stats but not Pair.mu`
}

// The lock is taken in a callback runner: correct.
type Runner struct {
	mu sync.Mutex
	m  map[string]int
}

func (r *Runner) with(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *Runner) Put(k string)     { r.with(func() { r.m[k] = 1 }) }
func (r *Runner) Inc(k string)     { r.with(func() { r.m[k]++ }) }
func (r *Runner) Get(k string) int { r.mu.Lock(); defer r.mu.Unlock(); return r.m[k] }

// Striped: each shard has its own lock: correct.
type shard struct {
	mu sync.Mutex
	m  map[string]int
}

type Striped struct{ shards [16]shard }

func (s *Striped) Put(k string) {
	sh := &s.shards[len(k)%16]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.m[k] = 1
}

func (s *Striped) Get(k string) int {
	sh := &s.shards[len(k)%16]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.m[k]
}

// A deferred function runs before the unlock that was deferred earlier: correct.
type Deferred struct {
	mu sync.Mutex
	m  map[string]int
}

func (d *Deferred) Do(k string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { delete(d.m, k) }()
	d.m[k] = 1
}

func (d *Deferred) Get(k string) int { d.mu.Lock(); defer d.mu.Unlock(); return d.m[k] }

// Loops must hold the lock to their end; writers do, the loop does not.
type Loops struct {
	mu sync.Mutex
	m  map[string]func()
}

func (l *Loops) On(k string, f func()) { l.mu.Lock(); l.m[k] = f; l.mu.Unlock() }
func (l *Loops) Off(k string)          { l.mu.Lock(); delete(l.m, k); l.mu.Unlock() }
func (l *Loops) Get(k string) func()   { l.mu.Lock(); defer l.mu.Unlock(); return l.m[k] }
func (l *Loops) Len() int              { l.mu.Lock(); defer l.mu.Unlock(); return len(l.m) }
func (l *Loops) Fire() {
	for _, f := range l.m { // want `high iteration: range of Loops.m without Loops.mu`
		f()
	}
}

// Locked on demand, and unlocked by a defer under the same condition: what follows the call
// holds nothing of it.
type set struct {
	mu sync.Mutex
	m  map[string]bool
}

func (s *set) remove(k string, lock bool) {
	if lock {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	slow()
}

type Manager struct {
	mu   sync.Mutex
	kept map[string]int
	idx  *set
}

func (m *Manager) Put(k string)     { m.mu.Lock(); m.kept[k] = 1; m.idx.remove(k, true); m.mu.Unlock() }
func (m *Manager) Inc(k string)     { m.mu.Lock(); m.idx.remove(k, true); m.kept[k]++; m.mu.Unlock() }
func (m *Manager) Get(k string) int { m.mu.Lock(); defer m.mu.Unlock(); return m.kept[k] }
func (m *Manager) Len() int         { m.mu.Lock(); defer m.mu.Unlock(); return len(m.kept) }
func (m *Manager) Purge(keys []string) {
	for _, k := range keys {
		m.idx.remove(k, true)
		delete(m.kept, k) // want `high partial: delete of Manager.kept without Manager.mu`
	}
}
