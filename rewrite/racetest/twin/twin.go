// Package twin runs two calls against each other in every order in which a scheduler
// could, one operation on a concurrent map at a time, and compares what comes out with
// what the two calls do one after the other.
//
// It is not imported by anything but its tests. Package racetest lays its source over
// the runtime package of a module under test, next to a copy of the runtime in which
// every operation begins with a call of Yield: the instrumented twin. So the compiled
// program under test is the migrated program itself, and only the runtime knows.
//
// # What is enumerated
//
// The calls run in two goroutines of which one has the turn. A point is a call of Yield
// by the one that has it; there the other one may get the turn. An execution is named
// by the call that begins and by the points at which the turn is passed, at most
// [Preemptions] of them; when a call ends, the other goes on by itself. All executions
// are tried, fewer passes first (as in CHESS: most atomicity bugs need one). A call that
// waits for a lock which the other holds gives the turn away.
//
// # What is compared
//
// Results of both calls and the state after them, rendered: pointers are numbered in the
// order in which they are met, so that "both got the same one" is seen and an address is
// not. An execution has to give what one of the two sequential ones gives: then no
// update is lost, a get-or-create has one winner, a deleted key does not come back, a
// row is one. And someone could look at the state when one call has ended and the other
// has not. Where that state is what the ended call leaves when it is alone, and not what
// both leave in the other order, the ended call came first, and the execution has to
// give what that order gives: an entry that was seen is not overwritten by one that lost
// ("store it unless there is one"). Where even one order run twice gives two answers (a clock, a random
// number) nothing can be compared, and the test is skipped and says so.
package twin

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Limits of one Interleave.
const (
	Preemptions = 2    // passes of the turn while a call is under way
	executions  = 2000 // at most: a call with very many operations is not exhausted
)

// A Scenario is one fresh start: two calls and what to look at after them.
type Scenario struct {
	Calls [2]func() []any // each returns the results of its call
	State func() []any    // pointers to what the calls share
	Stop  func()          // ends what start and the calls started; may be nil
}

// TB is the part of testing.TB that Interleave uses.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Interleave runs the calls of fresh scenarios in all orders (see the package comment)
// and reports the first execution whose outcome no sequential one has.
func Interleave(t TB, start func() Scenario) {
	t.Helper()
	var want, mid, end [2]string // by the call that is first: outcome, state between, state after
	for first := range 2 {
		want[first], mid[first], end[first] = sequential(start(), first)
		if again, _, _ := sequential(start(), first); again != want[first] {
			t.Skipf("not comparable: the same calls, one after the other, gave\n\t%s\nand then\n\t%s", want[first], again)
			return
		}
	}
	allowed := func(got string, ended int, seen string) bool {
		alone := seen == mid[ended] && seen != end[1-ended]
		return got == want[ended] || got == want[1-ended] && !alone
	}
	ran := 0
	work := []execution{{first: 0}, {first: 1}}
	for len(work) > 0 && ran < executions {
		x := work[0]
		work = work[1:]
		got, ended, seen, trace, err := x.run(start())
		ran++
		switch {
		case err != nil:
			t.Skipf("not comparable: %v", err)
			return
		case !allowed(got, ended, seen):
			t.Errorf("not atomic: %s gives\n\t%s\none after the other they give\n\t%s\nor\n\t%s", x.describe(trace), got, want[0], want[1])
			return
		}
		if len(x.passes) == Preemptions {
			continue
		}
		from := 0
		if n := len(x.passes); n > 0 {
			from = x.passes[n-1] + 1
		}
		for p := from; p < len(trace); p++ {
			work = append(work, execution{x.first, append(slices.Clone(x.passes), p)})
		}
	}
	t.Logf("%d executions, all as if one after the other", ran)
}

// sequential returns the outcome of the calls one after the other, and the states between
// and after them.
func sequential(s Scenario, first int) (got, between, after string) {
	defer s.stop()
	var results [2][]any
	results[first] = s.Calls[first]()
	between = s.state()
	results[1-first] = s.Calls[1-first]()
	return outcome(results, s), between, s.state()
}

// state renders the state by itself.
func (s *Scenario) state() string { return outcome([2][]any{}, *s) }

func (s *Scenario) stop() {
	if s.Stop != nil {
		s.Stop()
	}
}

func outcome(results [2][]any, s Scenario) string {
	r := renderer{seen: map[unsafe.Pointer]int{}}
	var b strings.Builder
	for i, res := range results {
		b.WriteString([]string{"first call ", "; second call "}[i])
		for _, v := range res {
			b.WriteString(r.any(v) + " ")
		}
	}
	b.WriteString("; state ")
	for _, v := range s.State() {
		b.WriteString(r.any(v) + " ")
	}
	return b.String()
}

// An execution names an order: who begins, and the points at which the turn is passed.
type execution struct {
	first  int
	passes []int
}

func (x execution) describe(trace []string) string {
	var parts []string
	for _, p := range x.passes {
		if p < len(trace) {
			parts = append(parts, trace[p])
		}
	}
	if len(parts) == 0 {
		return "without passing the turn, it"
	}
	return "passing the turn before " + strings.Join(parts, ", then before ")
}

// A task is one of the two calls.
type task struct {
	id     atomic.Int64 // of its goroutine
	turn   chan struct{}
	events chan event
	depth  int // callbacks that run under a lock of the runtime
	done   bool
}

type event struct {
	op   string // the operation that is next; "" when the call is over
	boom any
}

// tasks are those of the execution under way; nil: Yield does nothing.
var tasks atomic.Pointer[[2]*task]

// run executes the calls. It returns the outcome, which call ended first and the state
// at that moment, and the points met.
func (x execution) run(s Scenario) (got string, ended int, seen string, trace []string, err error) {
	ts := &[2]*task{}
	var results [2][]any
	var wg sync.WaitGroup
	for i := range ts {
		tk := &task{turn: make(chan struct{}, 1), events: make(chan event, 1)}
		ts[i] = tk
		wg.Add(1)
		go func() {
			defer wg.Done()
			tk.id.Store(goroutineID())
			<-tk.turn
			var boom any
			defer func() { tk.events <- event{boom: boom} }()
			defer func() { boom = recover() }()
			results[i] = s.Calls[i]()
		}()
	}
	for _, tk := range ts { // so that Yield knows both
		for tk.id.Load() == 0 {
			runtime.Gosched()
		}
	}
	tasks.Store(ts)
	defer tasks.Store(nil)
	trace, err = x.drive(ts, func(first int) { ended, seen = first, s.state() })
	if err != nil {
		return "", 0, "", trace, err // the goroutines are stuck: leave them
	}
	wg.Wait()
	tasks.Store(nil)
	defer s.stop()
	return outcome(results, s), ended, seen, trace, nil
}

// drive passes the turn until both calls are over and returns the points it met. It
// calls firstDone when the first of them is.
func (x execution) drive(ts *[2]*task, firstDone func(first int)) (trace []string, err error) {
	cur, passes := x.first, x.passes
	ts[cur].turn <- struct{}{}
	waiting := [2]bool{} // has the turn in hand already, and waits for a lock
	for {
		ev, ok := await(ts[cur])
		other := 1 - cur
		switch {
		case !ok: // it waits for something: let the other one go on
			if ts[other].done || waiting[other] {
				return trace, fmt.Errorf("both calls wait for something that does not come")
			}
			waiting[cur] = true
			cur = other
			if !waiting[cur] {
				ts[cur].turn <- struct{}{}
			}
			continue
		case ev.boom != nil:
			return trace, fmt.Errorf("a call panics: %v", ev.boom)
		case ev.op == "":
			ts[cur].done = true
			if ts[other].done {
				return trace, nil
			}
			if !waiting[other] { // else it may be changing the state right now
				firstDone(cur)
			}
			cur = other
		default:
			trace = append(trace, fmt.Sprintf("%s of the %s call", ev.op, []string{"first", "second"}[cur]))
			if len(passes) > 0 && passes[0] == len(trace)-1 && !ts[other].done {
				passes = passes[1:]
				cur = other
			}
		}
		if waiting[cur] { // it had the turn and has not given it back
			waiting[cur] = false
			continue
		}
		ts[cur].turn <- struct{}{}
	}
}

// await returns the next event of a task; ok is false when it waits for a lock, or for
// anything else for long.
func await(tk *task) (ev event, ok bool) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for blocked := 0; ; {
		select {
		case ev := <-tk.events:
			return ev, true
		case <-tick.C:
		}
		switch state := stateOf(tk.id.Load()); {
		case strings.HasPrefix(state, "sync.Mutex"), strings.HasPrefix(state, "sync.RWMutex"), strings.HasPrefix(state, "semacquire"):
			blocked += 25
		case strings.HasPrefix(state, "chan"), strings.HasPrefix(state, "select"), strings.HasPrefix(state, "sync."), strings.HasPrefix(state, "sleep"):
			blocked++ // perhaps for a goroutine that it started
		default:
			blocked = 0
		}
		if blocked >= 50 {
			return event{}, false
		}
	}
}

// Yield is a point: the runtime's twin calls it before each operation op, holding no
// lock. In goroutines that are not one of the two calls it does nothing.
func Yield(op string) {
	tk := current()
	if tk == nil || tk.depth > 0 {
		return
	}
	tk.events <- event{op: op}
	<-tk.turn
}

// Hold is Yield for an operation that runs a callback under a lock: until the returned
// function is called, what the callback does is no point.
func Hold(op string) (release func()) {
	Yield(op)
	tk := current()
	if tk == nil {
		return func() {}
	}
	tk.depth++
	return func() { tk.depth-- }
}

func current() *task {
	ts := tasks.Load()
	if ts == nil {
		return nil
	}
	id := goroutineID()
	for _, tk := range ts {
		if tk.id.Load() == id {
			return tk
		}
	}
	return nil
}

// goroutineID reads the first line of a stack trace: "goroutine 7 [running]:".
func goroutineID() int64 {
	var buf [64]byte
	fields := bytes.Fields(buf[:runtime.Stack(buf[:], false)])
	id, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		panic("twin: a stack trace without a goroutine's number")
	}
	return id
}

// stateOf returns what a goroutine is doing, as a stack trace names it.
func stateOf(id int64) string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	head := fmt.Appendf(nil, "goroutine %d [", id)
	at := bytes.Index(buf, head)
	if at < 0 {
		return "gone"
	}
	state, _, _ := bytes.Cut(buf[at+len(head):], []byte("]"))
	return string(state)
}

// Fresh empties the map that v points to a variable of: a pointer to a runtime type
// gets a new one, a runtime type itself is cleared. It panics for anything else.
func Fresh(v any) {
	m := reflect.ValueOf(v).Elem()
	switch {
	case m.Kind() == reflect.Pointer && m.Type().Elem().Kind() == reflect.Struct:
		m.Set(reflect.New(m.Type().Elem()))
	case m.Kind() == reflect.Map:
		m.Set(reflect.MakeMap(m.Type()))
	case m.Addr().MethodByName("Clear").IsValid():
		m.Addr().MethodByName("Clear").Call(nil)
	default:
		panic(fmt.Sprintf("twin: cannot empty a %s", m.Type()))
	}
}

// A renderer prints values by what they hold. Pointers, channels and functions are
// numbered in the order in which they are met.
type renderer struct {
	seen  map[unsafe.Pointer]int
	depth int
}

func (r *renderer) any(v any) string { return r.value(reflect.ValueOf(v)) }

func (r *renderer) value(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	if r.depth++; r.depth > 24 {
		r.depth--
		return "…"
	}
	defer func() { r.depth-- }()
	if s, ok := r.special(v); ok {
		return s
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.Complex64, reflect.Complex128:
		return strconv.FormatComplex(v.Complex(), 'g', -1, 128)
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		if v.IsNil() {
			return "nil"
		}
		name, _ := r.number(v.UnsafePointer())
		return v.Kind().String() + name
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		name, known := r.number(v.UnsafePointer())
		if known {
			return name
		}
		return name + r.value(v.Elem())
	case reflect.Interface:
		return r.value(v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return "nil"
		}
		return r.list(v)
	case reflect.Array:
		return r.list(v)
	case reflect.Map:
		return r.entries(v)
	case reflect.Struct:
		return r.fields(v)
	}
	return v.Kind().String()
}

// special renders what is no plain data: errors by their text, runtime types by their
// snapshot; clocks, locks and the like not at all.
func (r *renderer) special(v reflect.Value) (string, bool) {
	t := v.Type()
	if t.Kind() == reflect.Struct {
		switch pkg := t.PkgPath(); {
		case pkg == "time", pkg == "sync", pkg == "math/rand", pkg == "math/rand/v2", pkg == "testing":
			return t.Name(), true
		}
	}
	if !v.CanInterface() {
		if !v.CanAddr() {
			return "", false
		}
		v = reflect.NewAt(t, unsafe.Pointer(v.UnsafeAddr())).Elem() // a field that is not exported
	}
	if t.Kind() == reflect.Pointer && v.IsNil() {
		return "nil", true
	}
	if err, ok := v.Interface().(error); ok && t.Kind() != reflect.Interface {
		return "error " + strconv.Quote(err.Error()), true
	}
	if t.Kind() == reflect.Struct && v.CanAddr() {
		v = v.Addr()
	}
	if v.Kind() == reflect.Pointer && v.Type().Elem().PkgPath() == reflect.TypeFor[Scenario]().PkgPath() {
		if m := v.MethodByName("Snapshot"); m.IsValid() && m.Type().NumIn() == 0 {
			return r.value(m.Call(nil)[0]), true
		}
	}
	return "", false
}

func (r *renderer) number(p unsafe.Pointer) (name string, known bool) {
	n, known := r.seen[p]
	if !known {
		n = len(r.seen) + 1
		r.seen[p] = n
	}
	return "#" + strconv.Itoa(n), known
}

func (r *renderer) list(v reflect.Value) string {
	var parts []string
	for i := range v.Len() {
		parts = append(parts, r.value(v.Index(i)))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// entries sorts by rendered key. Keys that are pointers are numbered in the order of
// what they point to as far as that tells them apart.
func (r *renderer) entries(v reflect.Value) string {
	if v.IsNil() {
		return "nil"
	}
	type entry struct {
		sort     string
		key, val reflect.Value
	}
	var list []entry
	for it := v.MapRange(); it.Next(); {
		alone := renderer{seen: map[unsafe.Pointer]int{}, depth: r.depth}
		list = append(list, entry{alone.value(it.Key()), it.Key(), it.Value()})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].sort < list[j].sort })
	var parts []string
	for _, e := range list {
		parts = append(parts, r.value(e.key)+":"+r.value(e.val))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func (r *renderer) fields(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		parts = append(parts, r.value(v.Field(i)))
	}
	return v.Type().Name() + "{" + strings.Join(parts, " ") + "}"
}
