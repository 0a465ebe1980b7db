package twin

import (
	"fmt"
	"sync"
	"testing"
	"unsafe"
)

// A store is the smallest concurrent map: each operation is one step.
type store struct {
	mu sync.Mutex
	m  map[string]int
}

func (s *store) load(k string) (int, bool) {
	Yield("Load")
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[k]
	return v, ok
}

func (s *store) store(k string, v int) {
	Yield("Store")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[k] = v
}

func (s *store) delete(k string) {
	Yield("Delete")
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, k)
}

func (s *store) update(k string, f func(int) int) int {
	defer Hold("Update")()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[k] = f(s.m[k])
	return s.m[k]
}

// Snapshot is what the renderer calls.
func (s *store) Snapshot() map[string]int { return s.m }

// A recorder is a TB that remembers.
type recorder struct{ said, text string }

func (r *recorder) Helper()                   {}
func (r *recorder) Skipf(f string, a ...any)  { r.said, r.text = "skip", fmt.Sprintf(f, a...) }
func (r *recorder) Errorf(f string, a ...any) { r.said, r.text = "error", fmt.Sprintf(f, a...) }
func (r *recorder) Logf(f string, a ...any)   { r.said, r.text = "log", fmt.Sprintf(f, a...) }

func TestInterleave(t *testing.T) {
	none := func() []any { return nil }
	pair := func(a, b func(s *store) []any) func() Scenario {
		return func() Scenario {
			s := &store{m: map[string]int{"seed": 1}}
			return Scenario{Calls: [2]func() []any{func() []any { return a(s) }, func() []any { return b(s) }}, State: func() []any { return []any{s} }}
		}
	}
	same := func(f func(s *store) []any) func() Scenario { return pair(f, f) }
	var outer sync.Mutex
	clock := 0
	tests := []struct {
		name  string
		start func() Scenario
		want  string
	}{
		{"one step", same(func(s *store) []any { return []any{s.update("a", func(n int) int { return n + 1 })} }), "log"},
		{"lost update", same(func(s *store) []any { v, _ := s.load("a"); s.store("a", v+1); return nil }), "error"},
		{"two winners", same(func(s *store) []any {
			if _, ok := s.load("a"); ok {
				return []any{false}
			}
			s.store("a", 1)
			return []any{true}
		}), "error"},
		{"overwritten by a loser", pair(
			func(s *store) []any {
				if _, ok := s.load("a"); !ok {
					s.store("a", 1)
				}
				return nil
			},
			func(s *store) []any {
				if _, ok := s.load("a"); !ok {
					s.store("a", 2)
				}
				return nil
			}), "error"},
		{"a read first, then a write of its own", pair(
			func(s *store) []any { s.load("a"); s.store("a", 1); return nil },
			func(s *store) []any { s.load("a"); s.store("a", 2); return nil }), "log"},
		{"two writes", same(func(s *store) []any { s.store("a", 1); s.store("b", 2); return nil }), "log"},
		{"resurrected", pair(
			func(s *store) []any {
				if _, ok := s.load("seed"); ok {
					s.store("seed", 2)
				}
				return nil
			},
			func(s *store) []any { s.delete("seed"); return nil }), "error"},
		{"two steps under the program's lock", same(func(s *store) []any {
			outer.Lock()
			defer outer.Unlock()
			v, _ := s.load("a")
			s.store("a", v+1)
			return nil
		}), "log"},
		{"an operation inside a callback", same(func(s *store) []any {
			o := &store{m: map[string]int{}}
			return []any{s.update("a", func(n int) int { o.store("x", n); return n + 1 })}
		}), "log"},
		{"goroutines of its own", same(func(s *store) []any {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { s.update("a", func(n int) int { return n + 1 }) })
			}
			wg.Wait()
			return nil
		}), "log"},
		{"never the same twice", same(func(s *store) []any { clock++; return []any{clock} }), "skip"},
		{"panics", same(func(s *store) []any {
			if v, _ := s.load("a"); v == 1 {
				panic("no")
			}
			s.store("b", 1)
			s.store("a", 1)
			s.store("a", 0)
			return nil
		}), "skip"},
		{"nothing", func() Scenario { return Scenario{Calls: [2]func() []any{none, none}, State: none} }, "log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 { // the answer does not depend on the real scheduler
				var r recorder
				Interleave(&r, tt.start)
				if r.said != tt.want {
					t.Fatalf("%s: %s, want %s", r.said, r.text, tt.want)
				}
			}
		})
	}
}

// TestRender: identity shows, addresses do not, and what cannot be compared is left out.
func TestRender(t *testing.T) {
	type node struct {
		name string
		next *node
		mu   sync.Mutex
		err  error
	}
	render := func(vs ...any) string {
		r := renderer{seen: map[unsafe.Pointer]int{}}
		out := ""
		for _, v := range vs {
			out += r.any(v) + " "
		}
		return out
	}
	a, b := &node{name: "a"}, &node{name: "a"}
	if render(a, a) == render(a, b) {
		t.Error("the same pointer twice looks like two pointers")
	}
	if x, y := render(a, a), render(b, b); x != y {
		t.Errorf("addresses show: %s, %s", x, y)
	}
	a.next = a // a cycle
	want := `#1node{"a" #1 Mutex nil} `
	if got := render(a); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m := map[*node]int{{name: "y"}: 1, {name: "x"}: 2, {name: "z"}: 3}
	for range 10 {
		if got := render(m); got != render(map[*node]int{{name: "z"}: 3, {name: "y"}: 1, {name: "x"}: 2}) {
			t.Fatalf("the order of a map shows: %s", got)
		}
	}
	if got := render(fmt.Errorf("no"), &store{m: map[string]int{"b": 2, "a": 1}}); got != `error "no" #1{"a":1 "b":2} ` && got != `error "no" {"a":1 "b":2} ` {
		t.Errorf("got %s", got)
	}
}
