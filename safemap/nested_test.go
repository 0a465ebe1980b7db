package safemap_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mapmigrate/mapmigrate/safemap"
	"pgregory.net/rapid"
)

// This file compares Nested and Row with a plain map of maps and its inner maps, operation by
// operation: rows absent, nil and empty, and handles of rows that were deleted or replaced.

type (
	plainRow = map[any]int
	plain    = map[any]plainRow
	nested   = safemap.Nested[any, any, int]
	row      = safemap.Row[any, int]
)

// alias is a handle on a row and the inner map that it stands for.
type alias struct {
	got  *row
	want plainRow
}

type nestedMachine struct {
	name    string
	got     *nested
	want    plain
	zero    bool
	aliases []alias
	fail    func(format string, args ...any)
}

type nestedSubject struct {
	name      string
	make      func() *nested
	zero, nil bool
}

var nestedSubjects = []nestedSubject{
	{name: "New", make: func() *nested { return safemap.NewNested[any, any, int]() }},
	{name: "NewHint", make: func() *nested { return safemap.NewNested[any, any, int](50) }},
	{name: "Locked", make: func() *nested { return safemap.NewNestedLocked[any, any, int]() }},
	{name: "Of", make: func() *nested { return safemap.NestedOf(plain{}) }},
	{name: "LockedOf", make: func() *nested { return safemap.NestedLockedOf(plain{}) }},
	{name: "OfNil", make: func() *nested { return safemap.NestedOf[any, any, int](nil) }, nil: true},
	{name: "LockedOfNil", make: func() *nested { return safemap.NestedLockedOf[any, any, int](nil) }, nil: true},
	{name: "nil", make: func() *nested { return nil }, nil: true},
	{name: "zero", make: func() *nested { return new(nested) }, zero: true},
}

func newNestedMachine(s nestedSubject, fail func(string, ...any)) *nestedMachine {
	m := &nestedMachine{name: s.name, got: s.make(), zero: s.zero, fail: fail, aliases: []alias{{nil, nil}}}
	if !s.nil && !s.zero {
		m.want = plain{}
	}
	return m
}

func showRow(r plainRow) string {
	var lines []string
	for k, v := range r {
		lines = append(lines, fmt.Sprintf("%v=%v", k, v))
	}
	slices.Sort(lines)
	return fmt.Sprint(r == nil, len(r), lines)
}

func showRows(rows plain) string {
	var lines []string
	for k, r := range rows {
		lines = append(lines, fmt.Sprintf("%v={%s}", k, showRow(r)))
	}
	slices.Sort(lines)
	return fmt.Sprint(rows == nil, len(rows), lines)
}

var (
	outers = []any{0, 1, 2, "a", math.NaN(), []int{1}}
	inners = []any{0, 1, "b", math.NaN(), []int{1}}
)

// elementOps are what a Row, and a Nested under one outer key, have in common.
type elementOps interface {
	Load(b any) (int, bool)
	Get(b any) int
	Store(b any, v int)
	Delete(b any)
	LoadOrStore(b any, v int) (int, bool)
	LoadOrCompute(b any, f func() int) (int, bool)
	LoadAndDelete(b any) (int, bool)
	Update(b any, f func(int) int) int
	Compute(b any, f func(int, bool) (int, safemap.Op)) (int, bool)
}

// under is the operations of a Nested on the elements of one row.
type under struct {
	m *nested
	a any
}

func (u under) Load(b any) (int, bool)                        { return u.m.Load(u.a, b) }
func (u under) Get(b any) int                                 { return u.m.Get(u.a, b) }
func (u under) Store(b any, v int)                            { u.m.Store(u.a, b, v) }
func (u under) Delete(b any)                                  { u.m.Delete(u.a, b) }
func (u under) LoadOrStore(b any, v int) (int, bool)          { return u.m.LoadOrStore(u.a, b, v) }
func (u under) LoadOrCompute(b any, f func() int) (int, bool) { return u.m.LoadOrCompute(u.a, b, f) }
func (u under) LoadAndDelete(b any) (int, bool)               { return u.m.LoadAndDelete(u.a, b) }
func (u under) Update(b any, f func(int) int) int             { return u.m.Update(u.a, b, f) }
func (u under) Compute(b any, f func(int, bool) (int, safemap.Op)) (int, bool) {
	return u.m.Compute(u.a, b, f)
}

// element runs operation op under b on got, and on the plain row that read returns; write returns
// it for storing, made if need be.
func (m *nestedMachine) element(op int, got elementOps, b any, n int, read, write func() plainRow) {
	name := []string{"Load", "Get", "Store", "Delete", "LoadOrStore", "LoadOrCompute", "LoadAndDelete", "Update",
		"ComputeKeep", "ComputePut", "ComputeRemove", "UpdatePanic", "LoadOrComputePanic", "ComputePanic"}[op]
	boom := func() int { panic("boom") }
	store := func(v int) {
		_ = read()[b] // an unhashable key panics before the row is made
		write()[b] = v
	}
	compute := func(old int, loaded bool) (int, safemap.Op) {
		switch name {
		case "ComputePut":
			return old + n, safemap.Put
		case "ComputeRemove":
			return n, safemap.Remove
		case "ComputePanic":
			boom()
		}
		return n, safemap.Keep
	}
	value := func() int { return n }
	update := func(old int) int { return 2*old + n }
	switch name {
	case "UpdatePanic":
		update = func(int) int { return boom() }
	case "LoadOrComputePanic":
		value = boom
	}
	g := outcome(func() string {
		switch name {
		case "Load":
			return fmt.Sprint(got.Load(b))
		case "Get":
			return fmt.Sprint(got.Get(b))
		case "Store":
			got.Store(b, n)
		case "Delete":
			got.Delete(b)
		case "LoadOrStore":
			return fmt.Sprint(got.LoadOrStore(b, n))
		case "LoadOrCompute", "LoadOrComputePanic":
			return fmt.Sprint(got.LoadOrCompute(b, value))
		case "LoadAndDelete":
			return fmt.Sprint(got.LoadAndDelete(b))
		case "Update", "UpdatePanic":
			return fmt.Sprint(got.Update(b, update))
		default:
			return fmt.Sprint(got.Compute(b, compute))
		}
		return ""
	})
	w := outcome(func() string {
		old, ok := 0, false
		if name != "Store" {
			old, ok = read()[b]
		}
		switch name {
		case "Load":
			return fmt.Sprint(old, ok)
		case "Get":
			return fmt.Sprint(old)
		case "Store":
			store(n)
		case "Delete":
			delete(read(), b)
		case "LoadOrStore", "LoadOrCompute", "LoadOrComputePanic":
			if ok {
				return fmt.Sprint(old, true)
			}
			v := n
			if name != "LoadOrStore" {
				v = value()
			}
			store(v)
			return fmt.Sprint(v, false)
		case "LoadAndDelete":
			delete(read(), b)
			return fmt.Sprint(old, ok)
		case "Update", "UpdatePanic":
			v := update(old)
			store(v)
			return fmt.Sprint(v)
		default:
			switch v, op := compute(old, ok); op {
			case safemap.Put:
				store(v)
				return fmt.Sprint(v, true)
			case safemap.Remove:
				delete(read(), b)
				return fmt.Sprint(0, false)
			}
			return fmt.Sprint(old, ok)
		}
		return ""
	})
	if g != w && !(isPanic(g) && isPanic(w)) {
		m.fail("%s: %T %s(%v, %d) = %s, want %s", m.name, got, name, b, n, g, w)
	}
}

func isPanic(s string) bool { return len(s) > 5 && s[:5] == "panic" }

const elementOpCount = 14

var wholeOps = []string{"StoreExisting", "UpdateExisting", "Row", "LoadRow", "EnsureRow", "LoadOrCreateRow", "CreateRow", "StoreRow",
	"StoreNilRow", "DeleteRow", "DeletePruning", "DeleteRowIfEmpty", "RowLen", "RowSnapshot", "RowAll", "RowKeys", "RowValues", "DoRow",
	"DoRowPanic", "Clear", "All", "Keys", "Rows", "AliasClear", "AliasAll"}

// outer returns the model's outer map for storing: a zero value becomes a map then.
func (m *nestedMachine) outer() plain {
	if m.zero && m.want == nil {
		m.want = plain{}
	}
	return m.want
}

func (m *nestedMachine) step(op, aNumber, bNumber, n int) {
	a, b := outers[aNumber%len(outers)], inners[bNumber%len(inners)]
	al := m.aliases[n%len(m.aliases)]
	name := "element"
	switch op %= 2*elementOpCount + len(wholeOps); {
	case op < elementOpCount:
		m.element(op, under{m.got, a}, b, n, func() plainRow { return m.want[a] }, func() plainRow {
			in := m.want[a]
			if in == nil {
				in = plainRow{}
				m.outer()[a] = in
			}
			return in
		})
	case op < 2*elementOpCount:
		r := func() plainRow { return al.want }
		m.element(op-elementOpCount, al.got, b, n, r, r)
	default:
		name = wholeOps[op-2*elementOpCount]
		m.whole(name, a, b, n, al)
	}
	m.check(name)
}

func (m *nestedMachine) whole(name string, a, b any, n int, al alias) {
	both := func(got, want func() string) {
		g, w := outcome(got), outcome(want)
		if g != w && !(isPanic(g) && isPanic(w)) {
			m.fail("%s: %s(%v, %v, %d) = %s, want %s", m.name, name, a, b, n, g, w)
		}
	}
	keep := func(r *row, in plainRow) string {
		if r != nil && in != nil {
			m.aliases = append(m.aliases, alias{r, in})
		}
		return fmt.Sprint(r == nil)
	}
	var r *row
	switch name {
	case "StoreExisting":
		both(func() string { m.got.StoreExisting(a, b, n); return "" },
			func() string { m.want[a][b] = n; return "" })
	case "UpdateExisting":
		f := func(old int) int { return old + n }
		both(func() string { return fmt.Sprint(m.got.UpdateExisting(a, b, f)) },
			func() string { v := f(m.want[a][b]); m.want[a][b] = v; return fmt.Sprint(v) })
	case "Row":
		both(func() string { r = m.got.Row(a); return fmt.Sprint(r == nil) },
			func() string { return keep(r, m.want[a]) })
	case "LoadRow":
		both(func() string { var ok bool; r, ok = m.got.LoadRow(a); return fmt.Sprint(r == nil, ok) },
			func() string { in, ok := m.want[a]; return fmt.Sprint(keep(r, in), " ", ok) })
	case "EnsureRow", "LoadOrCreateRow":
		both(func() string {
			if name == "EnsureRow" {
				return fmt.Sprint(false, m.got.EnsureRow(a))
			}
			var loaded bool
			r, loaded = m.got.LoadOrCreateRow(a)
			return fmt.Sprint(r == nil, !loaded)
		}, func() string {
			in, created := m.want[a], false
			if in == nil {
				in, created = plainRow{}, true
				m.outer()[a] = in
			}
			keep(r, in)
			return fmt.Sprint(false, created)
		})
	case "CreateRow":
		both(func() string { r = m.got.CreateRow(a); return fmt.Sprint(r == nil) }, func() string {
			in := m.want[a]
			if in == nil {
				in = plainRow{}
				m.outer()[a] = in
			}
			keep(r, in)
			return "false"
		})
	case "StoreRow", "StoreNilRow":
		var in plainRow
		if name == "StoreRow" {
			in = plainRow{"new": n}
		}
		both(func() string { m.got.StoreRow(a, maps.Clone(in)); return "" },
			func() string { m.outer()[a] = in; return "" })
	case "DeleteRow":
		both(func() string { m.got.DeleteRow(a); return "" }, func() string { delete(m.want, a); return "" })
	case "DeletePruning":
		both(func() string { m.got.DeletePruning(a, b); return "" }, func() string {
			in, ok := m.want[a]
			delete(in, b)
			if ok && len(in) == 0 {
				delete(m.want, a)
			}
			return ""
		})
	case "DeleteRowIfEmpty":
		both(func() string { return fmt.Sprint(m.got.DeleteRowIfEmpty(a)) }, func() string {
			in, ok := m.want[a]
			if len(in) == 0 {
				delete(m.want, a)
			}
			return fmt.Sprint(ok && len(in) == 0)
		})
	case "RowLen":
		both(func() string { return fmt.Sprint(m.got.RowLen(a)) }, func() string { return fmt.Sprint(len(m.want[a])) })
	case "RowSnapshot":
		both(func() string { return showRow(m.got.RowSnapshot(a)) }, func() string { return showRow(m.want[a]) })
	case "RowAll", "AliasAll", "RowKeys", "RowValues":
		both(func() string {
			seen := plainRow{}
			switch name {
			case "RowAll":
				for k, v := range m.got.RowAll(a) {
					m.got.DeleteRow(a) // the loop goes on over the row, as over the plain inner map
					seen[k] = v
				}
			case "AliasAll":
				for k, v := range al.got.All() {
					seen[k] = v
				}
			case "RowKeys":
				for k := range m.got.RowKeys(a) {
					seen[k] = m.got.Get(a, k)
				}
			case "RowValues":
				sum := 0
				for v := range m.got.RowValues(a) {
					sum += v
				}
				return fmt.Sprint(sum)
			}
			return showRow(seen)
		}, func() string {
			in := al.want
			if name != "AliasAll" {
				in = m.want[a]
			}
			sum, seen := 0, plainRow{}
			for k, v := range in {
				if name == "RowAll" {
					delete(m.want, a)
				}
				if sum += v; name == "RowKeys" {
					v = in[k] // zero for NaN
				}
				seen[k] = v
			}
			if name == "RowValues" {
				return fmt.Sprint(sum)
			}
			return showRow(seen)
		})
	case "DoRow", "DoRowPanic":
		f := func(in plainRow) {
			in[0] = in[1] + n
			delete(in, 1)
			if name == "DoRowPanic" {
				panic("boom")
			}
		}
		both(func() string { m.got.DoRow(a, f); return "" }, func() string { f(m.want[a]); return "" })
	case "Clear":
		m.got.Clear()
		clear(m.outer())
	case "AliasClear":
		al.got.Clear()
		clear(al.want)
	case "All":
		seen := map[any]bool{}
		for k, r := range m.got.All() {
			if k != k {
				continue
			}
			in, ok := m.want[k]
			if !ok || seen[k] || showRow(r.Snapshot()) != showRow(in) {
				m.fail("%s: All yields %v, %v: want %v, %t, seen %t", m.name, k, r, in, ok, seen[k])
			}
			seen[k] = true
			if n%2 == 0 { // delete one, and store into the row, while the loop runs
				m.got.DeleteRow(outers[n%4])
				delete(m.want, outers[n%4])
				if in != nil {
					r.Store(0, n)
					in[0] = n
				}
			}
		}
		for k := range m.want {
			if k == k && !seen[k] {
				m.fail("%s: All leaves out %v", m.name, k)
			}
		}
	case "Keys", "Rows":
		count := 0
		if name == "Keys" {
			for range m.got.Keys() {
				count++
			}
		} else {
			for range m.got.Rows() {
				count++
			}
		}
		if count != len(m.want) {
			m.fail("%s: %s yields %d, want %d", m.name, name, count, len(m.want))
		}
	}
}

func (m *nestedMachine) check(after string) {
	got := m.got.Snapshot()
	if m.zero && len(m.want) == 0 && len(got) == 0 {
		if m.want = nil; got != nil {
			m.want = plain{}
		}
	}
	if g, w := showRows(got), showRows(m.want); g != w {
		m.fail("%s: after %s: %s, want %s", m.name, after, g, w)
	}
	if g, w := m.got.Len(), len(m.want); g != w {
		m.fail("%s: after %s: Len %d, want %d", m.name, after, g, w)
	}
	for i, al := range m.aliases {
		if g, w := showRow(al.got.Snapshot()), showRow(al.want); g != w {
			m.fail("%s: after %s: alias %d is %s, want %s", m.name, after, i, g, w)
		}
		if g, w := al.got.Len(), len(al.want); g != w {
			m.fail("%s: after %s: alias %d: Len %d, want %d", m.name, after, i, g, w)
		}
	}
}

// TestNestedLoopSees changes, stores and deletes rows while a loop goes over them: each row is yielded
// as it is then, once, and none that is gone.
func TestNestedLoopSees(t *testing.T) {
	const n = 500
	for name, m := range map[string]*safemap.Nested[int, int, int]{
		"sharded": safemap.NewNested[int, int, int](), "locked": safemap.NewNestedLocked[int, int, int](),
	} {
		rng := rand.New(rand.NewPCG(5, 6))
		want := map[int]map[int]int{}
		for a := range n {
			m.Store(a, 0, 0)
			want[a] = map[int]int{0: 0}
		}
		seen := map[int]bool{}
		for a, row := range m.All() {
			if got := row.Snapshot(); want[a] == nil || seen[a] || !maps.Equal(got, want[a]) {
				t.Fatalf("%s: the loop yields %v for %d, want %v; seen %t", name, got, a, want[a], seen[a])
			}
			seen[a] = true
			for i := range 4 {
				other := rng.IntN(n)
				switch {
				case want[other] == nil:
				case i == 0:
					m.DeleteRow(other)
					delete(want, other)
				case i == 1:
					m.Store(other, 0, len(seen))
					want[other][0] = len(seen)
				default:
					m.StoreRow(other, map[int]int{i: len(seen)})
					want[other] = map[int]int{i: len(seen)}
				}
			}
		}
		for a := range want {
			if !seen[a] {
				t.Errorf("%s: the loop leaves out %d", name, a)
			}
		}
	}
}

func TestNestedModel(t *testing.T) {
	for _, s := range nestedSubjects {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := newNestedMachine(s, t.Fatalf)
				for range rapid.IntRange(1, 40).Draw(t, "steps") {
					m.step(rapid.IntRange(0, 2*elementOpCount+len(wholeOps)-1).Draw(t, "op"),
						rapid.IntRange(0, len(outers)-1).Draw(t, "a"),
						rapid.IntRange(0, len(inners)-1).Draw(t, "b"),
						rapid.IntRange(0, 29).Draw(t, "n"))
				}
			})
		})
	}
}
