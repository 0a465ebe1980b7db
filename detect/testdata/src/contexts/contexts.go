// Package contexts: where concurrency comes from.
package contexts

import (
	"net/http"
	"sync"
	"time"
)

// A function value reaches a goroutine through a parameter.
func until(f func(), stop chan struct{}) {
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				f()
			}
		}
	}()
}

type Poller struct {
	mu   sync.Mutex
	seen map[string]int
}

func (p *Poller) Run(stop chan struct{}) {
	until(p.poll, stop)
	until(p.sweep, stop)
}

func (p *Poller) poll()  { p.seen["x"]++ } // want `unguarded: update of Poller.seen without a lock in \(\*Poller\).poll`
func (p *Poller) sweep() { delete(p.seen, "x") }

// time.AfterFunc and the method that arms it.
type Expiring struct {
	entries map[string]time.Time
}

func (e *Expiring) Arm(k string) {
	time.AfterFunc(time.Second, func() { delete(e.entries, k) })
	e.entries[k] = time.Now() // want `high unguarded: .* of Expiring.entries without a lock .*; .* \(time.AfterFunc`
}

// Handlers: registered by value, overlapping with themselves.
type Server struct {
	mu   sync.RWMutex
	hits map[string]int
	mux  *http.ServeMux
}

func (s *Server) Routes() {
	s.mux.HandleFunc("/hit", s.hit)
	s.mux.HandleFunc("/show", s.show)
}

func (s *Server) hit(w http.ResponseWriter, r *http.Request) {
	s.hits[r.URL.Path]++ // want `high unguarded: update of Server.hits without a lock in \(\*Server\).hit \(http handler`
}

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	for range s.hits {
	}
}

// ServeHTTP by its signature.
type counting struct {
	next http.Handler
	by   map[string]int
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.by[r.Method]++ // want `high unguarded: update of counting.by without a lock in \(\*counting\).ServeHTTP`
	c.next.ServeHTTP(w, r)
}

// Per-request maps in a handler: correct.
func perRequest(w http.ResponseWriter, r *http.Request) {
	seen := map[string]bool{}
	for k := range r.Form {
		seen[k] = true
	}
}

func Routes2(mux *http.ServeMux) { mux.HandleFunc("/per", perRequest) }

// A function in a field, called by a goroutine.
type worker struct {
	onDone func(string)
	jobs   chan string
}

func (w *worker) run() {
	for j := range w.jobs {
		w.onDone(j)
	}
}

func Pool(jobs chan string) map[string]bool {
	finished := map[string]bool{}
	for range 4 {
		w := &worker{jobs: jobs}
		w.onDone = func(j string) {
			finished[j] = true // want `high unguarded: write of contexts.Pool.finished`
		}
		go w.run()
	}
	return finished
}

// Through an interface.
type sink interface{ accept(string) }

type memSink struct{ got map[string]int }

func (m *memSink) accept(s string) { m.got[s]++ } // want `unguarded: update of memSink.got without a lock`

func Fan(in chan string) {
	var s sink = &memSink{got: map[string]int{}}
	for range 3 {
		go func() {
			for x := range in {
				s.accept(x)
			}
		}()
	}
}

// The parent's lock does not cover the goroutines it starts.
type Pruner struct {
	mu sync.Mutex
	m  map[string]int
}

func (p *Pruner) Prune(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		go func() {
			delete(p.m, k) // want `high unguarded|high partial`
		}()
	}
}

func (p *Pruner) Put(k string) { p.mu.Lock(); p.m[k] = 1; p.mu.Unlock() }

// Sequential code with maps and no goroutine anywhere near it: silent.
type builder struct{ index map[string]int }

func (b *builder) add(k string)     { b.index[k]++ }
func (b *builder) get(k string) int { return b.index[k] }

func Build(words []string) int {
	b := &builder{index: map[string]int{}}
	for _, w := range words {
		b.add(w)
	}
	return b.get("x")
}

// Exported API alone is no signal: low at most.
var lazily = map[string]int{}

func Lazily(k string) int {
	if v, ok := lazily[k]; ok {
		return v
	}
	lazily[k] = len(k)
	return len(k)
}

// A spawner behind a spawner starts one goroutine: correct.
func safely(f func(), onPanic func(any)) {
	go func() {
		defer func() { onPanic(recover()) }()
		f()
	}()
}

func goSafe(f func()) { safely(f, func(any) {}) }

type watcher struct{ factories map[string]int }

func (w *watcher) watchAll() { w.factories["x"] = 1 }

func Provide() {
	w := &watcher{factories: map[string]int{}}
	goSafe(func() {
		w.watchAll()
		w.factories["y"] = 2
	})
}
