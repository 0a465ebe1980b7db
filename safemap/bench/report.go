package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// This file judges and prints.

// results is everything that one run of the command found out.
type results struct {
	conf    config
	command string
	machine string
	started time.Time
	figures []figure
	memory  []memory
}

// machine describes where the figures come from.
func machine() string {
	cpu := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d CPUs, GOMAXPROCS %d, %s %s/%s", cpu, runtime.NumCPU(), runtime.GOMAXPROCS(0), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// A target says what one of our types has to reach in a workload: the time of what it is compared
// with, divided by ours.
type target struct {
	ours     string
	workload string
	against  string // a contender, or library: the best of all library maps in that cell
	min      float64
	keys     string // key kinds
}

const library = "the best library map"

var targets = concat(
	[]target{
		{"FastSharded", "load", library, 1.0, oneLevel}, {"FastSharded", "half-hit", library, 0.95, oneLevel},
		{"FastSharded", "mix99", library, 1.0, oneLevel}, {"FastSharded", "mix90", library, 1.2, oneLevel},
		{"FastSharded", "mix50", library, 1.8, oneLevel}, {"FastSharded", "overwrite", library, 1.3, oneLevel},
		{"FastSharded", "counter", library, 1.2, oneLevel}, {"FastSharded", "los", library, 1.0, oneLevel},
		{"FastSharded", "range", "xsync", 1.0, oneLevel}, {"FastSharded", "build", library, 1.3, oneLevel},
		{"FastSharded", "churn", library, 0.8, oneLevel},
	},
	each("Sharded", "orcaman", 1.0, oneLevel, "load", "half-hit", "mix99", "mix90", "mix75"),
	each("Sharded", "orcaman", 1.2, oneLevel, "mix50", "overwrite"),
	each("Sharded", "orcaman", 1.0, oneLevel, "counter", "los", "range", "build", "churn"),
	each("Nested", "map of maps", 0.95, "pair", "load"),
	each("Nested", "map of maps", 1.2, "pair", "overwrite"),
	each("Locked", "rwmutex/defer", 0.95, oneLevel, "load", "mix90", "overwrite", "counter", "los"),
	each("SyncMap", "sync.Map", 0.95, oneLevel, "load", "mix90", "overwrite", "counter", "los", "range", "build", "churn"),
)

const oneLevel = "string int"

func concat(lists ...[]target) []target { return slices.Concat(lists...) }

// each is one target for several workloads.
func each(ours, against string, min float64, keys string, workloads ...string) (all []target) {
	for _, w := range workloads {
		all = append(all, target{ours, w, against, min, keys})
	}
	return all
}

// find returns the figures that ok accepts.
func (r *results) find(ok func(figure) bool) (found []figure) {
	for _, f := range r.figures {
		if ok(f) {
			found = append(found, f)
		}
	}
	return found
}

// cell returns the figures of one cell.
func (r *results) cell(keys string, n int, workload string, goroutines int) []figure {
	return r.find(func(f figure) bool {
		return f.keys == keys && f.n == n && f.workload == workload && f.goroutines == goroutines
	})
}

// ratio returns the time of the contender against, or of the best library map, divided by that of
// ours, and who that was; 0 if either was not measured.
func (r *results) ratio(ours, against, keys string, n int, workload string, goroutines int) (ratio float64, who string) {
	return r.ratioOf(func(f figure) float64 { return f.ns }, ours, against, keys, n, workload, goroutines)
}

// ratioOf is ratio by another time than that of the processors.
func (r *results) ratioOf(time func(figure) float64, ours, against, keys string, n int, workload string, goroutines int) (ratio float64, who string) {
	var own, best figure
	for _, f := range r.cell(keys, n, workload, goroutines) {
		switch {
		case f.contender == ours:
			own = f
		case f.contender == against, against == library && f.role == peer:
			if time(best) == 0 || time(f) < time(best) {
				best = f
			}
		}
	}
	if time(own) == 0 || time(best) == 0 {
		return 0, ""
	}
	return time(best) / time(own), best.contender
}

// column is a measured combination of key kind, size and number of goroutines.
type column struct {
	keys       string
	n          int
	goroutines int
}

func (c column) String() string { return fmt.Sprintf("%s ×%d", c.keys, c.goroutines) }

// columns lists the combinations for the given key kinds, in the order of measurement.
func (r *results) columns(kinds string, n int) (all []column) {
	for _, f := range r.figures {
		c := column{f.keys, f.n, f.goroutines}
		if f.n == n && slices.Contains(strings.Fields(kinds), f.keys) && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// names lists the workloads that were measured, in order.
func (r *results) names() (all []string) {
	for _, w := range workloads[int]() {
		if slices.ContainsFunc(r.figures, func(f figure) bool { return f.workload == w.name }) {
			all = append(all, w.name)
		}
	}
	return all
}

func (r *results) has(contender string) bool {
	return slices.ContainsFunc(r.figures, func(f figure) bool { return f.contender == contender })
}

// markdown prints the report.
func (r *results) markdown(w io.Writer) {
	fmt.Fprint(w, "# The runtime, measured\n\n")
	fmt.Fprintf(w, "%s. Median of %d measurements of about %v of CPU time each", r.machine, r.conf.reps, r.conf.target)
	fmt.Fprintf(w, ", taken in turns. In `safemap/bench`:\n\n    %s\n\n", r.command)
	fmt.Fprint(w, method)
	for _, n := range r.conf.sizes {
		if r.conf.reps > 1 {
			r.judgement(w, n)
			fmt.Fprint(w, reasons)
		}
		for _, core := range []string{"FastSharded", "Sharded"} {
			r.ratios(w, core, n)
		}
		r.mirrors(w, n)
		r.sizeTable(w, n)
		r.details(w, n)
	}
	r.glossary(w)
}

const method = `Times are CPU time of the whole process per operation, garbage collection included, the loop's own
time subtracted; the column *elapsed* is the median ratio of the time that passed, for two and eight
goroutines. CPU time does not count waiting. So where goroutines meet at a lock it flatters the map
whose goroutines sleep (a single lock, and readers of an RWMutex behind a writer) and charges the one
whose goroutines go on. And two processors cannot show how a map scales: what they gain by working
at once, they lose by sending each other the cache lines of locks. Differences below 5 % mean
nothing. Every measurement is of a new map with a new random seed, and checks what the loop saw.
A ratio is the other's time divided by ours: above 1, ours is faster.

![ratios](bench.svg)

`

// reasons says why some targets are out of reach, by the figures that show it. Where it says nothing,
// a missed target is work left to do.
const reasons = `Some targets ask for more than the guarantees of the type leave room for:

- FastSharded, overwrite, counter and mix50 with several goroutines: sync.Map of *atomic.Int64 changes
  a value that is there by one atomic operation, with nothing to protect it from a deletion at that
  moment. A lock is one more cache line for the processors to hand each other.
- FastSharded, churn: what readers search without a lock is not reused; slots of deleted keys are
  cleared by copying what is left. Locked is the form for short-lived keys.
- Sharded, load and mixes of int keys with several goroutines: orcaman's readers share an RWMutex, and
  sleep behind a writer, which costs no CPU time; elapsed, Sharded is even or ahead.
- Sharded, churn and what lies within a few hundredths of 1: with one goroutine and string keys Sharded
  is ahead by a third; with several, and by elapsed time, it is even or ahead but for mixes of int keys.
- Sharded, range: a loop body runs with no lock held, so the entries of a shard are copied first. A loop
  over the Go map alone, under a lock (mutex), takes about half of the time; orcaman calls the body
  under its lock, where it must not use the map.
- FastSharded, mix90 with several goroutines: the same for the tenth of the operations that writes. The
  figures of one goroutine show what is left without the processors' traffic. load of int keys: xsync
  is ahead by 3 to 11 % in several runs; its buckets are one cache line, our groups of seven are two.
- SyncMap, range: each step is two function values called, sync.Map's and the loop body's, and a look at
  whether the map was cleared meanwhile. load: the wrapper is one call more, a nanosecond or two.
- Locked, counter: m[k]++ written in place is one look-up; Update has to call a function between reading
  and storing, which makes it two. Written by hand as v := m[k]; m[k] = v + 1, it takes nine tenths of the time of Update or more.
- Nested, load: the shard's lock can be taken only when the outer key has been hashed to find it, and the
  processor looks up nothing ahead of the lock. One lock is taken while the hash is computed.

`

// judgement prints the targets and what became of them.
func (r *results) judgement(w io.Writer, n int) {
	var lines []string
	for _, t := range targets {
		var cells []string
		var all, elapsed []float64
		for _, c := range r.columns(t.keys, n) {
			if c.goroutines > 1 {
				if ratio, _ := r.ratioOf(func(f figure) float64 { return f.elapsed }, t.ours, t.against, c.keys, n, t.workload, c.goroutines); ratio > 0 {
					elapsed = append(elapsed, ratio)
				}
			}
			if ratio, _ := r.ratio(t.ours, t.against, c.keys, n, t.workload, c.goroutines); ratio > 0 {
				cells = append(cells, fmt.Sprintf("%s %.2f", c, ratio))
				all = append(all, ratio)
			}
		}
		if len(all) == 0 {
			continue
		}
		verdict := "**missed**"
		if lowest := slices.Min(all); lowest >= t.min {
			verdict = "reached"
		} else if median(all) >= t.min {
			verdict = "in the median"
		}
		passed := ""
		if len(elapsed) > 0 {
			passed = fmt.Sprintf("%.2f", median(elapsed))
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %.2f | %.2f | %s | %s | %s |\n", t.ours, t.workload, t.against, t.min, median(all), verdict, passed, strings.Join(cells, ", ")))
	}
	lines = append(lines, r.memoryTargets(n)...)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "## Targets, %d keys\n\n| type | workload | compared with | target | median | | elapsed | ratios (keys × goroutines) |\n|---|---|---|---|---|---|---|---|\n", n)
	fmt.Fprint(w, strings.Join(lines, ""), "\n")
}

// memoryTargets judges what the fast core takes up: an entry no more than in the builtin map, an
// empty map at most 1 KB.
func (r *results) memoryTargets(n int) (lines []string) {
	line := func(what, against string, want string, ok bool, detail string) {
		verdict := "**missed**"
		if ok {
			verdict = "reached"
		}
		lines = append(lines, fmt.Sprintf("| FastSharded | %s | %s | %s | | %s | | %s |\n", what, against, want, verdict, detail))
	}
	for _, kind := range strings.Fields(oneLevel) {
		own, builtin := r.sizeOf("FastSharded", kind, n), r.sizeOf("mutex", kind, n)
		if own == nil || builtin == nil {
			continue
		}
		line("bytes per entry", "the builtin map", "1.00", own.perEntry <= builtin.perEntry,
			fmt.Sprintf("%s %.2f (%.1f against %.1f)", kind, builtin.perEntry/own.perEntry, own.perEntry, builtin.perEntry))
		line("empty", "", "1 KB", own.empty <= 1024, fmt.Sprintf("%s %.0f bytes", kind, own.empty))
	}
	return lines
}

func (r *results) sizeOf(contender, kind string, n int) *memory {
	i := slices.IndexFunc(r.memory, func(m memory) bool { return m.contender == contender && m.keys == kind && m.n == n })
	if i < 0 {
		return nil
	}
	return &r.memory[i]
}

// ratios prints the ratio table of one of the cores.
func (r *results) ratios(w io.Writer, core string, n int) {
	columns := r.columns(oneLevel, n)
	if !r.has(core) || len(columns) == 0 {
		return
	}
	fmt.Fprintf(w, "## %s against the best library map, %d keys\n\n| workload |", core, n)
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(columns)))
	for _, name := range r.names() {
		fmt.Fprintf(w, "| %s |", name)
		for _, c := range columns {
			if ratio, who := r.ratio(core, library, c.keys, n, name, c.goroutines); ratio > 0 {
				fmt.Fprintf(w, " **%.2f** %s |", ratio, who)
			} else {
				fmt.Fprint(w, " |")
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

// mirrors prints what a Mirror adds to each operation of the map behind it.
func (r *results) mirrors(w io.Writer, n int) {
	found := r.find(func(f figure) bool { return f.role == mirror && f.n == n })
	if len(found) == 0 {
		return
	}
	fmt.Fprintf(w, "## Mirror of a Sharded onto a Locked, %d keys: nanoseconds per operation\n\n", n)
	fmt.Fprint(w, "| workload | Sharded itself |")
	var shares []string
	for _, f := range found {
		if !slices.Contains(shares, f.contender) {
			shares = append(shares, f.contender)
			fmt.Fprintf(w, " %s |", f.contender)
		}
	}
	fmt.Fprintf(w, "\n|---|---|%s\n", strings.Repeat("---|", len(shares)))
	for _, c := range r.columns(oneLevel, n) {
		for _, name := range r.names() {
			in := r.cell(c.keys, n, name, c.goroutines)
			line := fmt.Sprintf("| %s, %s | %s |", name, c, show(in, "Sharded"))
			any := false
			for _, s := range shares {
				figure := show(in, s)
				any = any || figure != ""
				line += " " + figure + " |"
			}
			if any {
				fmt.Fprintln(w, line)
			}
		}
	}
	fmt.Fprintln(w)
}

// show is the figure of a contender in a cell, with its allocations if there are any; empty if there
// is none.
func show(cell []figure, contender string) string {
	for _, f := range cell {
		if f.contender == contender {
			out := fmt.Sprintf("%.1f", f.ns)
			if f.allocs >= 0.05 {
				out += fmt.Sprintf(" [%.1f]", f.allocs)
			}
			return out
		}
	}
	return ""
}

// sizeTable prints the memory.
func (r *results) sizeTable(w io.Writer, n int) {
	var lines []string
	for _, m := range r.memory {
		if m.n == n {
			lines = append(lines, fmt.Sprintf("| %s | %s | %.1f | %.0f | %.0f |\n", m.keys, m.contender, m.perEntry, m.empty, m.ten))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "## Memory in bytes, %d to %d keys\n\nThe text of the keys is not counted.\n\n| keys | map | per entry | empty | 10 entries |\n|---|---|---|---|---|\n%s\n",
			n, 2*n, strings.Join(lines, ""))
	}
}

// details prints every figure.
func (r *results) details(w io.Writer, n int) {
	for _, c := range r.columns("string int pair", n) {
		var in []string
		for _, f := range r.figures {
			if f.keys == c.keys && f.n == n && !slices.Contains(in, f.contender) {
				in = append(in, f.contender)
			}
		}
		fmt.Fprintf(w, "<details><summary>All figures, %s keys, n=%d, %s: ns per operation [allocations]</summary>\n\n", c.keys, n, goroutines(c.goroutines))
		fmt.Fprintf(w, "| workload | %s |\n|---|%s\n", strings.Replace(strings.Join(in, " | "), "nop", "(the loop)", 1), strings.Repeat("---|", len(in)))
		for _, name := range r.names() {
			cell := r.cell(c.keys, n, name, c.goroutines)
			if len(cell) == 0 {
				continue
			}
			fmt.Fprintf(w, "| %s |", name)
			for _, contender := range in {
				fmt.Fprintf(w, " %s |", show(cell, contender))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, "\n</details>\n\n")
	}
}

func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return fmt.Sprintf("%d goroutines", n)
}

// glossary says what the workloads and contenders are.
func (r *results) glossary(w io.Writer) {
	fmt.Fprint(w, "## Workloads\n\n| | |\n|---|---|\n")
	for _, l := range workloads[int]() {
		fmt.Fprintf(w, "| %s | %s |\n", l.name, l.doc)
	}
	fmt.Fprint(w, "\n## Contenders\n\n| | |\n|---|---|\n")
	seen := map[string]bool{}
	list := func(id, doc string, role role) {
		if role != nop && !seen[id] {
			fmt.Fprintf(w, "| %s | %s |\n", id, doc)
		}
		seen[id] = true
	}
	for _, c := range stringContenders {
		list(c.id, c.doc, c.role)
	}
	for _, c := range pairContenders {
		list(c.id, c.doc, c.role)
	}
}
