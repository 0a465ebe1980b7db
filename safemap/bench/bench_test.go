package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestContenders holds every contender to a plain map, operation by operation, and to losing nothing
// when goroutines share it: the operations are the statements that the benchmark times.
func TestContenders(t *testing.T) {
	contendersWork(t, stringContenders, stringKeys(100))
	contendersWork(t, intContenders, intKeys(100))
	contendersWork(t, pairContenders, pairKeys(100))
}

func contendersWork[K comparable](t *testing.T, all []contender[K], s keySet[K]) {
	for _, c := range all {
		if c.role == nop {
			continue
		}
		t.Run(s.kind+"/"+c.id, func(t *testing.T) {
			alone(t, c.make(), s)
			m := c.make()
			if c.id == "haxmap" { // which at times loses a count where several goroutines add keys at once
				for _, k := range s.stored {
					m.store(k, 0)
				}
			}
			together(t, m, s)
		})
	}
}

// alone compares random operations with those of a plain map.
func alone[K comparable](t *testing.T, m ops[K], s keySet[K]) {
	want := map[K]int{}
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range 20_000 {
		k, v := s.pool[rng.IntN(len(s.pool))], 1000+i
		switch rng.IntN(5) {
		case 0:
			m.store(k, v)
			want[k] = v
		case 1:
			m.remove(k)
			delete(want, k)
		case 2:
			m.add(k)
			want[k]++
		case 3:
			old, ok := want[k]
			if !ok {
				old, want[k] = v, v
			}
			if got, loaded := m.loadOrStore(k, v); got != old || loaded != ok {
				t.Fatalf("LoadOrStore(%v) = %d, %t, want %d, %t", k, got, loaded, old, ok)
			}
		case 4:
			old, ok := want[k]
			// haxmap returns some value of the past with false; no loop here looks at it.
			if got, loaded := m.load(k); ok && got != old || loaded != ok {
				t.Fatalf("Load(%v) = %d, %t, want %d, %t", k, got, loaded, old, ok)
			}
		}
	}
	sum := 0
	for _, v := range want {
		sum += v
	}
	if got, n := m.sum(); got != sum || n != len(want) || m.len() != n {
		t.Errorf("%d entries with the sum %d, counted %d; want %d with %d", n, got, m.len(), len(want), sum)
	}
}

// together counts in several goroutines.
func together[K comparable](t *testing.T, m ops[K], s keySet[K]) {
	const workers, each = 4, 5000
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				m.add(s.lookup[(i*7+w)%len(s.lookup)])
			}
		})
	}
	wg.Wait()
	if got, n := m.sum(); got != workers*each || n != len(s.lookup) {
		t.Errorf("%d keys count to %d, want %d to %d", n, got, len(s.lookup), workers*each)
	}
}

// TestKeys checks that lookups are of stored keys, that other keys are others, and that strings to
// look up are not the very strings that are stored.
func TestKeys(t *testing.T) {
	s := stringKeys(50)
	count := func(keys []string) (present int) {
		stored := map[string]bool{}
		for _, k := range s.stored {
			stored[k] = true
		}
		for _, k := range keys {
			if stored[k] {
				present++
			}
		}
		return present
	}
	if got := []int{count(s.stored), count(s.lookup), count(s.half), count(s.pool)}; len(s.half) != 100 || len(s.pool) != 200 ||
		got[0] != 50 || got[1] != 50 || got[2] != 50 || got[3] != 50 {
		t.Errorf("%v of %d, %d, %d, %d keys are stored", got, len(s.stored), len(s.lookup), len(s.half), len(s.pool))
	}
}

// TestQuick runs the whole command, shortly. Each cell checks what its loops saw, so this finds
// contenders that lose entries or loops that do not do what they are named for; it judges no time.
func TestQuick(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := bench([]string{"-quick", "-o", dir}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile(filepath.Join(dir, "bench.md"))
	if err != nil || !bytes.Equal(report, out.Bytes()) {
		t.Errorf("bench.md is not what was printed: %v", err)
	}
	for _, c := range stringContenders {
		if c.role != nop && !strings.Contains(out.String(), c.id) {
			t.Errorf("the report does not name %s", c.id)
		}
	}
	for _, w := range workloads[int]() {
		if !strings.Contains(out.String(), "\n| "+w.name+" | ") {
			t.Errorf("the report has no line for %s", w.name)
		}
	}
	if strings.Contains(out.String(), "missed") {
		t.Error("a quick run judges")
	}
	chart, err := os.ReadFile(filepath.Join(dir, "bench.svg"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(chart))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the chart is not XML: %v", err)
		}
	}
}

// TestReport judges figures of known ratios: targets reached, reached in the median, and missed.
func TestReport(t *testing.T) {
	r := results{conf: config{sizes: []int{1000}, reps: 3}, machine: "a machine"}
	for p, ns := range map[int][]float64{1: {10, 20, 30}, 2: {10, 8, 30}, 8: {10, 12, 30}} {
		for i, id := range []string{"Sharded", "orcaman", "xsync"} {
			role := peer
			if i == 0 {
				role = ours
			}
			r.figures = append(r.figures,
				figure{"int", 1000, "load", p, id, role, ns[i], ns[i], 0},
				figure{"int", 1000, "overwrite", p, id, role, 10, 10, 0},
				figure{"int", 1000, "counter", p, id, role, 10 + float64(i), 10, 2})
		}
	}
	if ratio, who := r.ratio("Sharded", library, "int", 1000, "load", 2); ratio != 0.8 || who != "orcaman" {
		t.Errorf("the best library map is %s at %v", who, ratio)
	}
	if ratio, _ := r.ratio("Sharded", "xsync", "int", 1000, "load", 2); ratio != 3 {
		t.Errorf("xsync is at %v", ratio)
	}
	if ratio, _ := r.ratio("Sharded", "haxmap", "int", 1000, "load", 2); ratio != 0 {
		t.Errorf("haxmap, which was not measured, is at %v", ratio)
	}
	var out bytes.Buffer
	r.markdown(&out)
	for _, want := range []string{
		"| Sharded | load | orcaman | 1.00 | 1.20 | in the median |",
		"| Sharded | overwrite | orcaman | 1.20 | 1.00 | **missed** |",
		"| Sharded | counter | orcaman | 1.00 | 1.10 | reached |",
		"| counter | 10.0 [2.0] | 11.0 [2.0] | 12.0 [2.0] |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report has no line %s:\n%s", want, out.String())
		}
	}
	if r.chart() != r.chart() || !strings.Contains(r.chart(), ">1.10</text>") {
		t.Errorf("the chart has no bar of 1.10:\n%s", r.chart())
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-n", "0"}, {"-p", "x"}, {"-keys", "bool"}, {"-only", "("}, {"-work", "("}, {"-nosuch"}} {
		if err := bench(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	if err := bench([]string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h gives %v", err)
	}
}
