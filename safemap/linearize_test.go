package safemap_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/mapmigrate/mapmigrate/safemap"
)

// This file records concurrent histories and has porcupine look for an order of the operations that
// a plain map could have taken them in.

// rounds is how many histories each test records.
const rounds = 60

// request is one operation; which fields mean something depends on it.
type request struct {
	op       string
	row, key int
	arg, old int
}

// content is a map with the keys 0 to 2; 0 means absent. Stored values are positive.
type content [3]int

func (c content) plain() map[int]int {
	m := map[int]int{}
	for k, v := range c {
		if v != 0 {
			m[k] = v
		}
	}
	return m
}

func show2(v int, ok bool) string { return fmt.Sprint(v, ok) }

// oneKey is what an operation on one key does to content and answers.
func (c *content) oneKey(r request) string {
	v := &c[r.key]
	old := *v
	switch r.op {
	case "Load":
	case "Store":
		*v = r.arg
		return ""
	case "Delete":
		*v = 0
		return ""
	case "LoadOrStore", "LoadOrCompute":
		if old == 0 {
			*v = r.arg
			return show2(r.arg, false)
		}
	case "LoadAndDelete":
		*v = 0
	case "Swap":
		*v = r.arg
	case "Update":
		*v += r.arg
		return fmt.Sprint(*v)
	case "Toggle":
		if *v = 0; old == 0 {
			*v = r.arg
		}
		return show2(*v, *v != 0)
	case "CompareAndSwap":
		if old == r.old && old != 0 {
			*v = r.arg
		}
		return fmt.Sprint(old == r.old && old != 0)
	case "CompareAndDelete":
		if old == r.old && old != 0 {
			*v = 0
		}
		return fmt.Sprint(old == r.old && old != 0)
	}
	return show2(old, old != 0)
}

// whole is what an operation on all keys does to content and answers.
func (c *content) whole(r request) string {
	before := *c
	switch r.op {
	case "Clear":
		*c = content{}
		return ""
	case "ReplaceAll":
		*c = content{r.arg, 0, r.arg}
		return ""
	case "Do":
		c[0], c[1] = c[1], c[0]
		return ""
	case "Len":
		return fmt.Sprint(len(c.plain()))
	case "Drain":
		*c = content{}
	case "Snapshot":
	}
	return fmt.Sprint(before.plain())
}

var oneKeyOps = []string{"Load", "Store", "Delete", "LoadOrStore", "LoadOrCompute", "LoadAndDelete", "Swap", "Update",
	"Toggle", "CompareAndSwap", "CompareAndDelete"}

func toggle(arg int) func(int, bool) (int, safemap.Op) {
	return func(_ int, loaded bool) (int, safemap.Op) {
		runtime.Gosched()
		if loaded {
			return 0, safemap.Remove
		}
		return arg, safemap.Put
	}
}

// serve runs a request on a map. Callbacks give way, so that other operations fall into them.
func serve(m safemap.MapProvider[int, int], r request) string {
	switch r.op {
	case "Load":
		return show2(m.Load(r.key))
	case "Store":
		m.Store(r.key, r.arg)
	case "Delete":
		m.Delete(r.key)
	case "LoadOrStore":
		return show2(m.LoadOrStore(r.key, r.arg))
	case "LoadOrCompute":
		return show2(m.LoadOrCompute(r.key, func() int { runtime.Gosched(); return r.arg }))
	case "LoadAndDelete":
		return show2(m.LoadAndDelete(r.key))
	case "Swap":
		return show2(m.Swap(r.key, r.arg))
	case "Update":
		return fmt.Sprint(m.Update(r.key, func(old int) int { runtime.Gosched(); return old + r.arg }))
	case "Toggle":
		return show2(m.Compute(r.key, toggle(r.arg)))
	case "CompareAndSwap":
		return fmt.Sprint(safemap.CompareAndSwap(m, r.key, r.old, r.arg))
	case "CompareAndDelete":
		return fmt.Sprint(safemap.CompareAndDelete(m, r.key, r.old))
	case "Clear":
		m.Clear()
	case "Len":
		return fmt.Sprint(m.Len())
	case "Snapshot":
		return fmt.Sprint(m.Snapshot())
	case "Drain":
		return fmt.Sprint(m.(interface{ Drain() map[int]int }).Drain())
	case "ReplaceAll":
		m.(interface{ ReplaceAll(map[int]int) }).ReplaceAll(map[int]int{0: r.arg, 2: r.arg})
	case "Do":
		m.(*safemap.Locked[int, int]).Do(func(in map[int]int) {
			c := content{in[0], in[1], in[2]}
			c[0], c[1] = c[1], c[0]
			runtime.Gosched()
			clear(in)
			for k, v := range c.plain() {
				in[k] = v
			}
		})
	}
	return ""
}

// record has workers make requests and serves them all at once, noting when each began and ended.
func record(workers, each int, next func(rng *rand.Rand) request, serve func(request) string) []porcupine.Operation {
	var clock atomic.Int64
	var wg sync.WaitGroup
	histories := make([][]porcupine.Operation, workers)
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(rand.Uint64(), uint64(w)))
			for range each {
				op := porcupine.Operation{ClientId: w, Input: next(rng), Call: clock.Add(1)}
				if rng.IntN(4) == 0 {
					runtime.Gosched()
				}
				op.Output = serve(op.Input.(request))
				op.Return = clock.Add(1)
				histories[w] = append(histories[w], op)
			}
		}()
	}
	wg.Wait()
	return slices.Concat(histories...)
}

// linearizable fails the test unless the history is one of model.
func linearizable(t *testing.T, model porcupine.Model, history []porcupine.Operation) {
	t.Helper()
	if result := porcupine.CheckOperationsTimeout(model, history, 10*time.Second); result != porcupine.Ok {
		slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range history {
			t.Logf("%d-%d: %+v = %v", op.Call, op.Return, op.Input, op.Output)
		}
		t.Fatalf("history is %s", result)
	}
}

// partition splits a history by what of returns for its requests.
func partition(of func(request) int) func([]porcupine.Operation) [][]porcupine.Operation {
	return func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := map[int][]porcupine.Operation{}
		for _, op := range history {
			i := of(op.Input.(request))
			parts[i] = append(parts[i], op)
		}
		var all [][]porcupine.Operation
		for _, part := range parts {
			all = append(all, part)
		}
		return all
	}
}

// contentModel is a plain map that takes one operation at a time.
var contentModel = porcupine.Model{
	Init: func() any { return content{} },
	Step: func(state, input, output any) (bool, any) {
		c, r := state.(content), input.(request)
		if slices.Contains(oneKeyOps, r.op) {
			return c.oneKey(r) == output, c
		}
		return c.whole(r) == output, c
	},
}

func TestLinearizable(t *testing.T) {
	type maps = safemap.MapProvider[int, int]
	for _, test := range []struct {
		name  string
		make  func() maps
		whole []string // operations on all keys that are atomic, too
	}{
		{"Sharded", func() maps { return safemap.NewSharded[int, int]() }, nil},
		{"Sharded zero", func() maps { return new(safemap.Sharded[int, int]) }, nil},
		{"FastSharded", func() maps { return safemap.NewFastSharded[int, int]() }, nil},
		{"FastSharded zero", func() maps { return new(safemap.FastSharded[int, int]) }, nil},
		{"FastSharded whole", func() maps { return new(safemap.FastSharded[int, int]) }, []string{"Clear", "Drain", "ReplaceAll"}},
		{"SyncMap", func() maps { return safemap.NewSyncMap[int, int]() }, nil},
		{"Locked", func() maps { return safemap.NewLocked[int, int]() }, nil},
		{"Handle", func() maps { return safemap.NewHandle[int, int]() }, nil},
		{"Sharded whole", func() maps { return new(safemap.Sharded[int, int]) }, []string{"Clear", "Drain", "ReplaceAll"}},
		{"Locked whole", func() maps { return new(safemap.Locked[int, int]) }, []string{"Clear", "Drain", "ReplaceAll", "Do", "Len", "Snapshot"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range rounds {
				m := test.make()
				model, each, done := contentModel, 40, make(chan bool)
				if test.whole == nil {
					model.Partition = partition(func(r request) int { return r.key })
				} else {
					each = 12 // one history, not three: the search grows fast
				}
				var last, n atomic.Int64 // what some worker has seen: worth comparing with
				h, switching := m.(*safemap.Handle[int, int])
				go func() {
					for i := 0; switching && i < 5; i++ {
						runtime.Gosched()
						h.Switch([]maps{safemap.NewLocked[int, int](), safemap.NewSyncMap[int, int](), safemap.NewSharded[int, int]()}[i%3])
					}
					close(done)
				}()
				history := record(4, each, func(rng *rand.Rand) request {
					ops := oneKeyOps
					if test.whole != nil && rng.IntN(3) == 0 {
						ops = test.whole
					}
					return request{op: ops[rng.IntN(len(ops))], key: rng.IntN(3), arg: int(n.Add(1)), old: int(last.Load())}
				}, func(r request) string {
					if r.op == "Load" {
						v, ok := m.Load(r.key)
						last.Store(int64(v))
						return show2(v, ok)
					}
					return serve(m, r)
				})
				<-done
				linearizable(t, model, history)
			}
		})
	}
}

// rowState is a row of a Nested.
type rowState struct {
	kind int // 0 absent, 1 nil, 2 there
	content
}

// step is what an operation on one row does and answers.
func (s *rowState) step(r request) string {
	const nilMap = "assignment to entry in nil map"
	ensure := func() bool {
		created := s.kind != 2
		s.kind = 2
		return created
	}
	switch r.op {
	case "EnsureRow":
		return fmt.Sprint(ensure())
	case "StoreRow":
		*s = rowState{2, content{r.arg, 0, r.arg}}
	case "StoreNilRow":
		*s = rowState{kind: 1}
	case "DeleteRow":
		*s = rowState{}
	case "DeleteRowIfEmpty":
		if s.content != (content{}) || s.kind == 0 {
			return "false"
		}
		*s = rowState{}
		return "true"
	case "DeletePruning":
		if s.content[r.key] = 0; s.content == (content{}) {
			*s = rowState{}
		}
	case "RowLen":
		return fmt.Sprint(len(s.plain()))
	case "RowSnapshot":
		return fmt.Sprint(s.kind == 2, s.plain())
	case "StoreExisting", "UpdateExisting":
		if s.kind != 2 {
			return nilMap
		}
		if s.content[r.key] += r.arg; r.op == "StoreExisting" {
			s.content[r.key] = r.arg
		}
	case "DoRow":
		if s.kind == 2 {
			s.content[0], s.content[1] = s.content[1], s.content[0]
		}
	default:
		out := s.oneKey(r)
		if s.content != (content{}) || r.op == "LoadOrStore" {
			ensure()
		}
		return out
	}
	return ""
}

func serveNested(m *safemap.Nested[int, int, int], r request) (out string) {
	defer func() {
		if p := recover(); p != nil {
			out = fmt.Sprint(p)
		}
	}()
	give := func(v int) func() int { return func() int { runtime.Gosched(); return v } }
	add := func(old int) int { runtime.Gosched(); return old + r.arg }
	switch r.op {
	case "EnsureRow":
		return fmt.Sprint(m.EnsureRow(r.row))
	case "StoreRow":
		m.StoreRow(r.row, map[int]int{0: r.arg, 2: r.arg})
	case "StoreNilRow":
		m.StoreRow(r.row, nil)
	case "DeleteRow":
		m.DeleteRow(r.row)
	case "DeleteRowIfEmpty":
		return fmt.Sprint(m.DeleteRowIfEmpty(r.row))
	case "DeletePruning":
		m.DeletePruning(r.row, r.key)
	case "RowLen":
		return fmt.Sprint(m.RowLen(r.row))
	case "RowSnapshot":
		in := m.RowSnapshot(r.row)
		return fmt.Sprint(in != nil, in)
	case "StoreExisting":
		m.StoreExisting(r.row, r.key, r.arg)
	case "UpdateExisting":
		m.UpdateExisting(r.row, r.key, add)
	case "DoRow":
		m.DoRow(r.row, func(in map[int]int) {
			c := content{in[1], in[0], in[2]}
			runtime.Gosched()
			clear(in)
			for k, v := range c.plain() {
				in[k] = v
			}
		})
	case "Load":
		return show2(m.Load(r.row, r.key))
	case "Store":
		m.Store(r.row, r.key, r.arg)
	case "Delete":
		m.Delete(r.row, r.key)
	case "LoadOrStore":
		return show2(m.LoadOrStore(r.row, r.key, r.arg))
	case "LoadOrCompute":
		return show2(m.LoadOrCompute(r.row, r.key, give(r.arg)))
	case "LoadAndDelete":
		return show2(m.LoadAndDelete(r.row, r.key))
	case "Update":
		return fmt.Sprint(m.Update(r.row, r.key, add))
	case "Toggle":
		return show2(m.Compute(r.row, r.key, toggle(r.arg)))
	case "Len":
		return fmt.Sprint(m.Len())
	case "Snapshot":
		return fmt.Sprint(m.Snapshot())
	case "Clear":
		m.Clear()
	}
	return ""
}

// serveRow runs an operation on one key through the handle of a row.
func serveRow(m *safemap.Row[int, int], r request) string {
	switch r.op {
	case "Load":
		return show2(m.Load(r.key))
	case "Store":
		m.Store(r.key, r.arg)
	case "Delete":
		m.Delete(r.key)
	case "LoadOrStore":
		return show2(m.LoadOrStore(r.key, r.arg))
	case "LoadOrCompute":
		return show2(m.LoadOrCompute(r.key, func() int { runtime.Gosched(); return r.arg }))
	case "LoadAndDelete":
		return show2(m.LoadAndDelete(r.key))
	case "Update":
		return fmt.Sprint(m.Update(r.key, func(old int) int { runtime.Gosched(); return old + r.arg }))
	case "Toggle":
		return show2(m.Compute(r.key, toggle(r.arg)))
	default:
		panic(r.op)
	}
	return ""
}

// rows is a whole Nested with the outer keys 0 and 1.
type rows [2]rowState

var rowsModel = porcupine.Model{
	Init: func() any { return rows{} },
	Step: func(state, input, output any) (bool, any) {
		s, r := state.(rows), input.(request)
		all := map[int]map[int]int{}
		for a, row := range s {
			if row.kind != 0 {
				all[a] = row.plain()
			}
		}
		switch r.op {
		case "Len":
			return output == fmt.Sprint(len(all)), s
		case "Snapshot":
			return output == fmt.Sprint(all), s
		case "Clear":
			return output == "", rows{}
		}
		return s[r.row].step(r) == output, s
	},
}

func TestNestedLinearizable(t *testing.T) {
	elements := []string{"Load", "Store", "Delete", "LoadOrStore", "LoadOrCompute", "LoadAndDelete", "Update", "Toggle"}
	whole := []string{"EnsureRow", "StoreRow", "StoreNilRow", "DeleteRow", "DeletePruning", "DeleteRowIfEmpty", "RowLen", "RowSnapshot",
		"StoreExisting", "UpdateExisting", "DoRow"}
	type maps = safemap.Nested[int, int, int]
	for _, test := range []struct {
		name     string
		make     func() *maps
		ops      []string
		handles  bool // half of the operations go through handles of rows
		together bool // one history, with operations on all rows
	}{
		{name: "Nested", make: func() *maps { return safemap.NewNested[int, int, int]() }, ops: append(whole, elements...)},
		{name: "zero", make: func() *maps { return new(maps) }, ops: append(whole, elements...)},
		{name: "Row", make: func() *maps { return new(maps) }, ops: elements, handles: true},
		{name: "Clear", make: func() *maps { return new(maps) }, ops: append([]string{"Clear", "EnsureRow"}, elements...), together: true},
		{name: "Locked", make: func() *maps { return safemap.NewNestedLocked[int, int, int]() },
			ops: append([]string{"Len", "Snapshot", "Clear", "Len", "Snapshot"}, append(whole, elements...)...), together: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range rounds {
				m := test.make()
				model, each := rowsModel, 12
				if !test.together {
					model.Partition = partition(func(r request) int { return r.row })
					each = 25
				}
				var handles [2]*safemap.Row[int, int]
				if test.handles {
					for a := range handles {
						handles[a], _ = m.LoadOrCreateRow(a)
					}
				}
				var n atomic.Int64
				history := record(4, each, func(rng *rand.Rand) request {
					return request{op: test.ops[rng.IntN(len(test.ops))], row: rng.IntN(2), key: rng.IntN(3), arg: int(n.Add(1))}
				}, func(r request) string {
					if test.handles && r.arg%2 == 0 {
						return serveRow(handles[r.row], r)
					}
					return serveNested(m, r)
				})
				linearizable(t, model, history)
			}
		})
	}
}
