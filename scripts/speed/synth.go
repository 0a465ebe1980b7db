// This file writes modules of any size that look like production code.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeModule writes a module of n packages and a main package to dir. What a package
// holds does not depend on n, so that twice the packages are twice the code:
//
//   - stores with maps under a lock, nested ones, a registry in a package variable, a
//     cache that one goroutine owns, copy-on-write in an atomic pointer;
//   - goroutines: a loop that ends with its channel, workers joined by a WaitGroup, an
//     HTTP handler, a timer;
//   - calls into up to three other packages, up to ten deep, and through interfaces that
//     some (Sink) and that all packages (Module) implement;
//   - tests, a third of the code;
//   - in one package of ten, a method that forgets the lock.
func writeModule(dir string, n int) error {
	files := map[string]string{
		"go.mod":           "module example.com/synth\n\ngo 1.24\n",
		"kernel/kernel.go": kernelSource,
		"main.go":          mainSource(n),
	}
	for i := range n {
		p := newSynthetic(i)
		files[p.dir()+"/store.go"] = p.expand(storeSource)
		files[p.dir()+"/service.go"] = p.expand(serviceSource)
		files[p.dir()+"/store_test.go"] = p.expand(testSource)
	}
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// A synthetic is one package of a module.
type synthetic struct {
	i    int
	deps []int // packages that it imports
}

// levels is how deep imports go: packages come in groups, of which each imports from
// the one before, and every tenth group begins anew.
const (
	groupSize = 8
	levels    = 10
)

func newSynthetic(i int) synthetic {
	p := synthetic{i: i}
	if group := i / groupSize; group%levels > 0 {
		before := (group - 1) * groupSize
		for k := range 3 {
			p.deps = append(p.deps, before+(i+3*k)%groupSize)
		}
	}
	return p
}

func name(i int) string         { return fmt.Sprintf("svc%03d", i) }
func (p synthetic) dir() string { return "internal/" + name(p.i) }
func importPath(i int) string   { return "example.com/synth/internal/" + name(i) }

func (p synthetic) expand(text string) string {
	var imports, fields, params, inits, calls []string
	for _, d := range p.deps {
		imports = append(imports, fmt.Sprintf("\t%q\n", importPath(d)))
		fields = append(fields, fmt.Sprintf("\t%s *%s.Store\n", name(d), name(d)))
		params = append(params, fmt.Sprintf(", %s *%s.Store", name(d), name(d)))
		inits = append(inits, fmt.Sprintf(", %s: %s", name(d), name(d)))
		calls = append(calls, fmt.Sprintf("\tif n := s.%s.Count(key); n > 0 {\n\t\ts.%s.Put(key, n+1)\n\t}\n", name(d), name(d)))
	}
	guard := "\ts.mu.RLock()\n\tdefer s.mu.RUnlock()\n"
	if p.i%10 == 7 {
		guard = ""
	}
	return strings.NewReplacer(
		"PKG", name(p.i), "IMPORTS", strings.Join(imports, ""), "FIELDS", strings.Join(fields, ""), "PARAMS", strings.Join(params, ""),
		"INITS", strings.Join(inits, ""), "CALLS", strings.Join(calls, ""), "GUARD", guard,
		"NILS", strings.Repeat(", nil", len(imports)),
	).Replace(text)
}

func mainSource(n int) string {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\t\"net/http\"\n\n")
	for i := range n {
		fmt.Fprintf(&b, "\t%q\n", importPath(i))
	}
	b.WriteString("\t\"example.com/synth/kernel\"\n)\n\nfunc main() {\n\tmux := http.NewServeMux()\n\tvar modules []kernel.Module\n")
	for i := range n {
		fmt.Fprintf(&b, "\tst%d := %s.NewStore()\n", i, name(i))
		var args strings.Builder
		for _, d := range newSynthetic(i).deps {
			fmt.Fprintf(&args, ", st%d", d)
		}
		fmt.Fprintf(&b, "\tsv%d := %s.NewService(st%d%s)\n\tmux.Handle(\"/%s\", sv%d)\n\tmodules = append(modules, sv%d)\n", i, name(i), i, args.String(), name(i), i, i)
	}
	b.WriteString("\tfor _, m := range modules {\n\t\tm.Start()\n\t}\n\t_ = http.ListenAndServe(\":8080\", mux)\n\tfor _, m := range modules {\n\t\tm.Stop()\n\t}\n}\n")
	return b.String()
}

const kernelSource = `// Package kernel says what the parts of the program have in common.
package kernel

import "sync"

// A Module is started and stopped by main.
type Module interface {
	Start()
	Stop()
	Name() string
}

// A Sink takes events.
type Sink interface {
	Accept(key string, n int)
}

// Events counts events by name.
type Events struct {
	mu    sync.Mutex
	count map[string]int
}

// Add counts one.
func (e *Events) Add(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.count == nil {
		e.count = map[string]int{}
	}
	e.count[name]++
}

// Of returns how many there were.
func (e *Events) Of(name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count[name]
}
`

const storeSource = `// Package PKG keeps items for its service.
package PKG

import (
	"errors"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/synth/kernel"
)

// An Item is what is kept.
type Item struct {
	Key     string
	Count   int
	Labels  map[string]string
	Updated time.Time
}

var errMissing = errors.New("PKG: no such item")

var (
	registryMu sync.Mutex
	registry   = map[string]func() *Store{}
)

// Register makes a kind of store known.
func Register(kind string, open func() *Store) {
	registryMu.Lock()
	defer registryMu.Unlock()
	registry[kind] = open
}

// Open opens a store of a kind.
func Open(kind string) (*Store, error) {
	registryMu.Lock()
	open, ok := registry[kind]
	registryMu.Unlock()
	if !ok {
		return nil, errMissing
	}
	return open(), nil
}

func init() { Register("memory", NewStore) }

// A Store holds items.
type Store struct {
	mu      sync.RWMutex
	items   map[string]*Item
	byLabel map[string]map[string]int
	sinks   []kernel.Sink
	config  atomic.Pointer[map[string]string]
	events  kernel.Events
}

// NewStore returns an empty store.
func NewStore() *Store {
	s := &Store{items: make(map[string]*Item), byLabel: map[string]map[string]int{}}
	s.config.Store(&map[string]string{"kind": "memory"})
	return s
}

// Put counts n for a key.
func (s *Store) Put(key string, n int) {
	s.mu.Lock()
	it, ok := s.items[key]
	if !ok {
		it = &Item{Key: key, Labels: map[string]string{}}
		s.items[key] = it
	}
	it.Count += n
	it.Updated = time.Now()
	s.index(it)
	sinks := append([]kernel.Sink(nil), s.sinks...)
	s.mu.Unlock()
	for _, sink := range sinks {
		sink.Accept(key, n)
	}
	s.events.Add("put")
}

// index is called with the lock held.
func (s *Store) index(it *Item) {
	for name := range it.Labels {
		row := s.byLabel[name]
		if row == nil {
			row = map[string]int{}
			s.byLabel[name] = row
		}
		row[it.Key]++
	}
}

// Count returns what was counted for a key.
func (s *Store) Count(key string) int {
GUARD	it, ok := s.items[key]
	if !ok {
		return 0
	}
	return it.Count
}

// Delete forgets a key.
func (s *Store) Delete(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.items[key]
	if !ok {
		return errMissing
	}
	delete(s.items, key)
	for name := range it.Labels {
		if row := s.byLabel[name]; row != nil {
			delete(row, key)
			if len(row) == 0 {
				delete(s.byLabel, name)
			}
		}
	}
	return nil
}

// Keys returns the keys with a prefix, sorted.
func (s *Store) Keys(prefix string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]string, 0, len(s.items))
	for k := range s.items {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

// Snapshot copies all items.
func (s *Store) Snapshot() map[string]Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make(map[string]Item, len(s.items))
	for k, it := range s.items {
		out[k] = *it
	}
	return out
}

// Watch has a sink told of each change.
func (s *Store) Watch(sink kernel.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sinks = append(s.sinks, sink)
}

// Set changes one setting: readers keep the map that they have.
func (s *Store) Set(name, value string) {
	for {
		old := s.config.Load()
		next := make(map[string]string, len(*old)+1)
		for k, v := range *old {
			next[k] = v
		}
		next[name] = value
		if s.config.CompareAndSwap(old, &next) {
			return
		}
	}
}

// Setting returns one.
func (s *Store) Setting(name string) string { return (*s.config.Load())[name] }

// expire removes what was not touched for a while.
func (s *Store) expire(before time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, it := range s.items {
		if it.Updated.Before(before) {
			delete(s.items, k)
			n++
		}
	}
	return n
}
`

const serviceSource = `package PKG

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

IMPORTS	"example.com/synth/kernel"
)

// A Service serves a store.
type Service struct {
	store *Store
FIELDS
	requests chan request
	stop     chan struct{}
	done     sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*session
	failures map[string]int
}

type request struct {
	key   string
	n     int
	reply chan int
}

type session struct {
	id    string
	mu    sync.Mutex
	seen  map[string]time.Time
	limit int
}

func (s *session) note(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) >= s.limit {
		return false
	}
	s.seen[key] = time.Now()
	return true
}

var (
	_ kernel.Module = (*Service)(nil)
	_ kernel.Sink   = (*Service)(nil)
)

// NewService returns a service of a store.
func NewService(store *StorePARAMS) *Service {
	s := &Service{store: storeINITS, requests: make(chan request), stop: make(chan struct{}), sessions: map[string]*session{}, failures: map[string]int{}}
	store.Watch(s)
	return s
}

// Name implements kernel.Module.
func (s *Service) Name() string { return "PKG" }

// Start implements kernel.Module.
func (s *Service) Start() {
	s.done.Add(2)
	go s.loop()
	go func() {
		defer s.done.Done()
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.store.expire(time.Now().Add(-time.Hour))
			case <-s.stop:
				return
			}
		}
	}()
}

// Stop implements kernel.Module.
func (s *Service) Stop() {
	close(s.stop)
	s.done.Wait()
}

// loop owns its cache.
func (s *Service) loop() {
	defer s.done.Done()
	cache := map[string]int{}
	for {
		select {
		case r := <-s.requests:
			cache[r.key] += r.n
			s.forward(r.key)
			r.reply <- cache[r.key]
		case <-s.stop:
			clear(cache)
			return
		}
	}
}

func (s *Service) forward(key string) {
CALLS	s.store.Put(key, 1)
}

// Ask sends a request to the loop.
func (s *Service) Ask(key string, n int) int {
	r := request{key, n, make(chan int, 1)}
	select {
	case s.requests <- r:
		return <-r.reply
	case <-s.stop:
		return 0
	}
}

// Accept implements kernel.Sink.
func (s *Service) Accept(key string, n int) {
	if n < 0 {
		s.mu.Lock()
		s.failures[key]++
		s.mu.Unlock()
	}
}

func (s *Service) session(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.sessions[id]; have != nil {
		return have
	}
	made := &session{id: id, seen: map[string]time.Time{}, limit: 100}
	s.sessions[id] = made
	return made
}

// ServeHTTP answers with what is kept of a key.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	if !s.session(r.RemoteAddr).note(key) {
		http.Error(w, "too many", http.StatusTooManyRequests)
		return
	}
	s.mu.Lock()
	failed := s.failures[key]
	s.mu.Unlock()
	answer := map[string]any{"count": s.store.Count(key), "failed": failed, "asked": s.Ask(key, 1)}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.Accept(key, -1)
	}
}

// Warm counts many keys at once.
func (s *Service) Warm(keys []string) map[string]int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := make(map[string]int, len(keys))
	for _, key := range keys {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n := s.store.Count(key)
			mu.Lock()
			total[key] = n
			mu.Unlock()
		}()
	}
	wg.Wait()
	return total
}
`

const testSource = `package PKG

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

func TestStore(t *testing.T) {
	s := NewStore()
	for i := range 10 {
		s.Put(fmt.Sprintf("key%d", i%3), i)
	}
	if got := s.Keys("key"); len(got) != 3 {
		t.Errorf("keys: %v", got)
	}
	if err := s.Delete("key1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete("key1"); err == nil {
		t.Error("deleted twice")
	}
	if n := s.Count("key0"); n != 18 {
		t.Errorf("count %d", n)
	}
	if got := s.Snapshot(); len(got) != 2 {
		t.Errorf("snapshot: %v", got)
	}
	if n := s.expire(time.Now().Add(time.Hour)); n != 2 {
		t.Errorf("expired %d", n)
	}
}

func TestRegistry(t *testing.T) {
	for _, test := range []struct {
		kind string
		ok   bool
	}{{"memory", true}, {"disk", false}} {
		s, err := Open(test.kind)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.kind, err)
		}
		if s != nil {
			s.Set("name", test.kind)
			if s.Setting("name") != test.kind {
				t.Error("setting is lost")
			}
		}
	}
}

func TestService(t *testing.T) {
	s := NewService(NewStore()NILS)
	s.Start()
	defer s.Stop()
	var wg sync.WaitGroup
	got := map[string]int{}
	var mu sync.Mutex
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			key := fmt.Sprintf("key%d", i)
			rec := httptest.NewRecorder()
			s.session(key).note(key)
			mu.Lock()
			got[key] = rec.Code
			mu.Unlock()
		}()
	}
	wg.Wait()
	if len(got) != 4 || len(s.Warm([]string{"a", "b"})) != 2 {
		t.Error(got)
	}
}
`
