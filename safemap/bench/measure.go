package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// This file measures. One measurement is one run of one loop on a map made for it, timed by the CPU
// time of the process; see run.

// config is what the flags say.
type config struct {
	sizes      []int
	goroutines []int
	reps       int           // measurements of each cell
	target     time.Duration // CPU time of one measurement
	turns      int           // of a loop in one measurement; found out for each contender if 0
	entries    int           // that maps are weighed with; a hundredth as many empty maps
	contender  func(id string) bool
	workload   func(name string) bool
	progress   func(format string, args ...any)
}

// figure is what was measured of a contender in a cell: a key kind, size, workload and number of
// goroutines.
type figure struct {
	keys       string
	n          int
	workload   string
	goroutines int
	contender  string
	role       role
	ns         float64 // median CPU time per operation, the loop's own subtracted (but for the loop alone, nop)
	elapsed    float64 // median of the time that passed per operation, of all goroutines together; likewise
	allocs     float64 // median allocations per operation
}

// memory is what a contender takes up, in bytes.
type memory struct {
	keys      string
	n         int
	contender string
	role      role
	perEntry  float64 // mean over sizes from n to 2n: tables grow in steps
	empty     float64 // a map without entries
	ten       float64 // a map with ten entries
}

// keySet holds the keys of one kind. The strings that are loaded are not the ones that were stored, at
// first or later: the same text elsewhere in memory, as in a program. Else comparing them would cost
// nothing, but only in the maps that take over the key of a later store; and while some keys have been
// stored again and others not, those maps would pay for wrong guesses of the processor instead.
type keySet[K comparable] struct {
	kind   string
	stored []K // n
	lookup []K // copies of stored, in another order
	again  []K // copies of lookup, in the same order
	half   []K // copies of stored, and as many others
	pool   []K // 4n: stored and others
}

// newKeySet makes keys by key, which gives different keys for different i below 4n, and copies anew
// each time.
func newKeySet[K comparable](kind string, n int, key func(i int) K) keySet[K] {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	s := keySet[K]{kind: kind}
	add := func(to *[]K, count int) {
		for i := range count {
			*to = append(*to, key(i))
		}
		rng.Shuffle(len(*to), func(i, j int) { (*to)[i], (*to)[j] = (*to)[j], (*to)[i] })
	}
	add(&s.pool, 4*n)
	add(&s.stored, n)
	add(&s.lookup, n)
	add(&s.half, 2*n)
	at := make(map[K]int, n)
	for i := range n {
		at[key(i)] = i
	}
	for _, k := range s.lookup {
		s.again = append(s.again, key(at[k]))
	}
	return s
}

func stringKeys(n int) keySet[string] {
	return newKeySet("string", n, func(i int) string { return fmt.Sprintf("user:%08x", uint32(i)*2654435761) })
}

func intKeys(n int) keySet[int] {
	return newKeySet("int", n, func(i int) int { return int(uint32(i) * 2654435761) })
}

// pairKeys are the keys of a nested map: 100 rows of n/100 entries, or 1000 rows when n is large.
func pairKeys(n int) keySet[pair] {
	rows := 100
	if n >= 100_000 {
		rows = 1000
	}
	return newKeySet("pair", n, func(i int) pair {
		return pair{fmt.Sprintf("tenant-%05d", i%rows), fmt.Sprintf("item-%06d", i/rows)}
	})
}

// workload is a way to use a map.
type workload[K comparable] struct {
	name  string
	doc   string
	loop  func(contender[K]) loop[K]
	keys  func(keySet[K]) []K // what the loop draws from; again for stores
	reads float64             // of a mix
	empty bool                // begins with an empty map
	alone bool                // measured with one goroutine only
	per   func(n int) int     // operations in one turn of the loop; 1 if nil
	check func(s keySet[K], m ops[K], turns int, t tally) error
}

func lookup[K comparable](s keySet[K]) []K { return s.lookup }
func stored[K comparable](s keySet[K]) []K { return s.stored }

// hits checks that a share of turns found their key.
func hits[K comparable](share float64) func(keySet[K], ops[K], int, tally) error {
	return func(s keySet[K], m ops[K], turns int, t tally) error {
		if got, slack := float64(t.hits)-share*float64(turns), 0.1*float64(turns)+50; got > slack || got < -slack {
			return fmt.Errorf("%d of %d lookups hit, want %.0f %%", t.hits, turns, 100*share)
		}
		return full(s, m, turns, t)
	}
}

// full checks that the map still has the entries that it began with.
func full[K comparable](s keySet[K], m ops[K], _ int, _ tally) error {
	if _, n := m.sum(); n != len(s.stored) || m.len() != n {
		return fmt.Errorf("%d entries seen, %d counted, want %d", n, m.len(), len(s.stored))
	}
	return nil
}

// churnWindow is how many of a goroutine's keys are in the map at a time.
func churnWindow(n, goroutines int) int { return max(n/goroutines, 1) }

func mix[K comparable](percent int) workload[K] {
	share := float64(percent) / 100
	return workload[K]{
		name: fmt.Sprintf("mix%d", percent), doc: fmt.Sprintf("%d %% loads, the rest stores into present keys", percent),
		loop: func(c contender[K]) loop[K] { return c.mix }, keys: lookup[K], reads: share, check: hits[K](share),
	}
}

// workloads lists what is measured, in the order of the tables.
func workloads[K comparable]() []workload[K] {
	entries := func(n int) int { return n }
	return []workload[K]{
		{name: "load", doc: "loads of present keys", keys: lookup[K], check: hits[K](1),
			loop: func(c contender[K]) loop[K] { return c.load }},
		{name: "half-hit", doc: "loads of keys half of which are present", check: hits[K](0.5),
			keys: func(s keySet[K]) []K { return s.half }, loop: func(c contender[K]) loop[K] { return c.load }},
		mix[K](99), mix[K](90), mix[K](75), mix[K](50),
		{name: "overwrite", doc: "stores into present keys", keys: lookup[K], check: full[K],
			loop: func(c contender[K]) loop[K] { return c.overwrite }},
		{name: "counter", doc: "m[k]++ of present keys, atomically", keys: lookup[K], check: counted[K],
			loop: func(c contender[K]) loop[K] { return c.counter }},
		{name: "los", doc: "LoadOrStore of present keys", keys: lookup[K], check: hits[K](1),
			loop: func(c contender[K]) loop[K] { return c.loadOrStore }},
		{name: "range", doc: "a loop over all entries, per entry", keys: lookup[K], per: entries,
			loop: func(c contender[K]) loop[K] { return c.rng }, check: ranged[K]},
		{name: "build", doc: "a new map filled with new keys, per entry", keys: stored[K], per: entries, empty: true, alone: true,
			loop: func(c contender[K]) loop[K] { return c.build }, check: built[K]},
		{name: "churn", doc: "store a new key, load it, delete the oldest; per operation", empty: true,
			per: func(int) int { return 3 }, loop: func(c contender[K]) loop[K] { return c.churn }, check: churned[K]},
	}
}

// counted checks that no increment was lost.
func counted[K comparable](s keySet[K], m ops[K], turns int, t tally) error {
	want := turns
	for i := range s.stored {
		want += 1000 + i
	}
	if got, _ := m.sum(); got != want {
		return fmt.Errorf("the counters sum up to %d, want %d", got, want)
	}
	return full(s, m, turns, t)
}

func ranged[K comparable](s keySet[K], m ops[K], turns int, t tally) error {
	if t.hits != turns*len(s.stored) {
		return fmt.Errorf("%d loops saw %d entries, want %d in each", turns, t.hits, len(s.stored))
	}
	return full(s, m, turns, t)
}

func built[K comparable](s keySet[K], _ ops[K], turns int, t tally) error {
	if t.hits != turns*len(s.stored) {
		return fmt.Errorf("%d maps have %d entries, want %d in each", turns, t.hits, len(s.stored))
	}
	return nil
}

// churned checks that each turn found its key and left the map as large as it was.
func churned[K comparable](s keySet[K], m ops[K], turns int, t tally) error {
	if t.hits != turns {
		return fmt.Errorf("%d of %d new keys found", t.hits, turns)
	}
	if _, n := m.sum(); n > len(s.stored) || n == 0 {
		return fmt.Errorf("%d entries left, want at most %d", n, len(s.stored))
	}
	return nil
}

// cpuTime is what the process has used of all processors, in user and system mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spent is what a run took: of all processors, and of the user's time.
type spent struct{ cpu, elapsed time.Duration }

// prepare makes the map of a measurement and the work of each goroutine.
func prepare[K comparable](c contender[K], w workload[K], s keySet[K], goroutines int) (ops[K], []*work[K]) {
	m := c.make()
	if !w.empty && c.role != nop {
		for i, k := range s.stored {
			m.store(k, 1000+i)
		}
	}
	each := make([]*work[K], goroutines)
	for g := range each {
		each[g] = &work[K]{reads: uint32(min(w.reads*(1<<32), 1<<32-1))}
		if w.keys != nil {
			each[g].keys, each[g].stores = w.keys(s), s.again
			continue
		}
		// Churn: a ring of keys for each goroutine, of which a quarter is in the map.
		window := churnWindow(len(s.stored), goroutines)
		each[g].keys, each[g].in = s.pool[g*4*window:(g+1)*4*window], window
		for _, k := range each[g].keys[:window] {
			m.store(k, 1)
		}
	}
	return m, each
}

// run measures one run of about turns of the loop, shared out among the goroutines. It returns what
// it took and the number of allocations.
//
// The map is new: its random seed, and with it its layout, is drawn again for each measurement. A
// first run over the keys brings it into the caches, and garbage of other contenders is collected
// before; what this one makes is collected on its own account.
func run[K comparable](c contender[K], w workload[K], s keySet[K], goroutines, turns int) (cost spent, allocs uint64, err error) {
	m, each := prepare(c, w, s, goroutines)
	loop := w.loop(c)
	raw := m.raw()
	turn := func(g, n int) tally {
		each[g].ops = n
		return loop(raw, each[g], rand.Uint64()|1)
	}
	warm, warmed := 0, tally{}
	add := func(to *tally, t tally) { to.sum += t.sum; to.hits += t.hits }
	if w.per == nil {
		warm = len(s.stored)
		add(&warmed, turn(0, warm))
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tallies := make([]tally, goroutines)
	share := max(turns/goroutines, 1)
	var wg sync.WaitGroup
	start, began := cpuTime(), time.Now()
	for g := range goroutines {
		wg.Go(func() { tallies[g] = turn(g, share) })
	}
	wg.Wait()
	cost = spent{cpuTime() - start, time.Since(began)}
	runtime.ReadMemStats(&after)
	for _, t := range tallies {
		add(&warmed, t)
	}
	if c.role != nop {
		if err := w.check(s, m, warm+share*goroutines, warmed); err != nil {
			return spent{}, 0, fmt.Errorf("%s, %s, %d at a time: %w", c.id, w.name, goroutines, err)
		}
	}
	return cost, after.Mallocs - before.Mallocs, nil
}

// calibrate returns how many turns take about the target's time. It believes the shorter of two runs:
// in a short one, a garbage collector that was at it anyway weighs as much as the turns.
func calibrate[K comparable](c contender[K], w workload[K], s keySet[K], goroutines int, target time.Duration) (int, error) {
	turns := goroutines
	for {
		first, _, err := run(c, w, s, goroutines, turns)
		if err != nil {
			return 0, err
		}
		second, _, err := run(c, w, s, goroutines, turns)
		if err != nil {
			return 0, err
		}
		cpu := max(min(first.cpu, second.cpu), 1)
		wanted := max(int(float64(turns)*float64(target)/float64(cpu)), goroutines)
		if cpu >= target/4 || turns >= 1<<26 {
			return wanted, nil
		}
		turns = min(max(wanted/2, 2*turns), 16*turns)
	}
}

// takesPart reports whether c has the workload.
func (c contender[K]) takesPart(workload string) bool {
	return c.only == "" || slices.Contains(strings.Fields(c.only), workload)
}

// measure returns the figures of all cells of one key set.
func measure[K comparable](conf config, all []contender[K], s keySet[K]) ([]figure, error) {
	var figures []figure
	for _, w := range workloads[K]() {
		for _, p := range conf.goroutines {
			if !conf.workload(w.name) || w.alone && p > 1 {
				continue
			}
			var in []contender[K]
			for _, c := range all {
				if c.takesPart(w.name) && (c.role == nop || conf.contender(c.id)) {
					in = append(in, c)
				}
			}
			if len(in) < 2 {
				continue
			}
			conf.progress("%s keys, n=%d: %s with %d goroutines", s.kind, len(s.stored), w.name, p)
			cell, err := measureCell(conf, in, w, s, p)
			if err != nil {
				return nil, err
			}
			figures = append(figures, cell...)
		}
	}
	return figures, nil
}

// measureCell measures contenders by turns: each repetition goes through all of them, beginning with
// another one, so that what disturbs the machine meets all alike.
func measureCell[K comparable](conf config, in []contender[K], w workload[K], s keySet[K], goroutines int) ([]figure, error) {
	turns := slices.Repeat([]int{conf.turns}, len(in))
	ns, elapsed, allocs := make([][]float64, len(in)), make([][]float64, len(in)), make([][]float64, len(in))
	for rep := range conf.reps {
		for j := range in {
			i := (rep + j) % len(in)
			if turns[i] == 0 {
				var err error
				if turns[i], err = calibrate(in[i], w, s, goroutines, conf.target); err != nil {
					return nil, err
				}
			}
			cost, made, err := run(in[i], w, s, goroutines, turns[i])
			if err != nil {
				return nil, err
			}
			operations := float64(max(turns[i]/goroutines, 1) * goroutines)
			if w.per != nil {
				operations *= float64(w.per(len(s.stored)))
			}
			ns[i] = append(ns[i], float64(cost.cpu)/operations)
			elapsed[i] = append(elapsed[i], float64(cost.elapsed)/operations)
			allocs[i] = append(allocs[i], float64(made)/operations)
		}
	}
	var figures []figure
	loop := slices.IndexFunc(in, func(c contender[K]) bool { return c.role == nop })
	for i, c := range in {
		f := figure{keys: s.kind, n: len(s.stored), workload: w.name, goroutines: goroutines, contender: c.id, role: c.role,
			ns: median(ns[i]), elapsed: median(elapsed[i]), allocs: median(allocs[i])}
		if c.role != nop {
			f.ns, f.elapsed = max(f.ns-median(ns[loop]), 0.1), max(f.elapsed-median(elapsed[loop]), 0.1)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	if n := len(of); n%2 == 0 {
		return (of[n/2-1] + of[n/2]) / 2
	}
	return of[len(of)/2]
}

// heap returns the live heap's size.
func heap() float64 {
	runtime.GC()
	runtime.GC() // the first one may leave sync.Pool victims and finalizers' garbage
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// weigh returns the heap bytes that each of many maps takes; the keys' text is shared by all of them
// and not counted.
func weigh[K comparable](c contender[K], maps int, keys []K) float64 {
	all := make([]ops[K], maps)
	before := heap()
	for i := range all {
		all[i] = c.make()
		for j, k := range keys {
			all[i].store(k, 1000+j)
		}
	}
	after := heap()
	runtime.KeepAlive(all)
	return (after - before) / float64(maps)
}

// measureMemory returns the sizes of all contenders.
func measureMemory[K comparable](conf config, all []contender[K], s keySet[K]) []memory {
	var sizes []memory
	for _, c := range all {
		if c.role == nop || !conf.contender(c.id) || !conf.workload("memory") || !c.takesPart("memory") {
			continue
		}
		conf.progress("%s keys, n=%d: memory of %s", s.kind, len(s.stored), c.id)
		m := memory{keys: s.kind, n: len(s.stored), contender: c.id, role: c.role}
		for quarter := range 4 {
			n := len(s.stored) * (4 + quarter) / 4
			m.perEntry += weigh(c, max(conf.entries/n, 1), s.pool[:n]) / float64(n) / 4
		}
		m.empty = weigh(c, conf.entries/100, nil)
		m.ten = weigh(c, conf.entries/100, s.pool[:10])
		sizes = append(sizes, m)
	}
	return sizes
}
