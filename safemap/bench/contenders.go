package main

//go:generate go run ./gen cells.go

import (
	"context"
	"hash/fnv"
	"log/slog"
	"sync"

	cmap "github.com/orcaman/concurrent-map/v2"

	"github.com/mapmigrate/mapmigrate/safemap"
)

// This file holds what the generated code is written in: the key kinds, the hand-written contenders
// and the table's types. gen/contenders.go lists the contenders.

// A role says what a contender is compared as.
type role int

const (
	nop    role = iota // the loop alone: its time is subtracted from the others'
	lock               // a plain map and a lock: what people have before the migration
	peer               // a library's concurrent map
	ours               // a type of safemap
	mirror             // a Mirror, compared with what it wraps
)

// pair is the key of a nested map: the outer and the inner key.
type pair struct{ a, b string }

// ops are the operations of a contender, for setting up and for tests, never in a measured loop.
type ops[K comparable] interface {
	load(k K) (v int, ok bool)
	store(k K, v int)
	remove(k K)
	add(k K)
	loadOrStore(k K, v int) (actual int, loaded bool)
	sum() (sum, n int)
	len() int
	raw() any // the map itself, for the loops
}

// work is what a loop does its operations on. Each goroutine has its own.
type work[K comparable] struct {
	keys    []K    // to load; LoadOrStore and churn store from them, too
	stores  []K    // to store and count in
	ops     int    // how often
	reads   uint32 // the share of reads in a mix, of 1<<32
	in, out int    // churn: indexes into keys, of the next to store and to remove
}

// tally is what a loop saw; it keeps the compiler from dropping the loop, and is checked.
type tally struct{ sum, hits int }

// loop runs the operations of w on the map raw; x seeds its choices.
type loop[K comparable] func(raw any, w *work[K], x uint64) tally

// contender is a map type with its loops, all generated from the same statements.
type contender[K comparable] struct {
	id, doc                                                       string
	role                                                          role
	only                                                          string // workloads, space-separated; all if empty
	make                                                          func() ops[K]
	load, mix, overwrite, counter, loadOrStore, rng, build, churn loop[K]
}

// golden is what the seed of a loop moves by for each choice, and scramble what makes the choice of it.
// Nothing waits for the choice before: a generator that chains them takes its time beside a fast
// contender's work and after none, and subtracting it would be too much.
const golden = 0x9E3779B97F4A7C15

func scramble(x uint64) uint64 {
	x *= 0xD6E8FEB86659FD93
	x ^= x >> 32
	return x * 0xD6E8FEB86659FD93
}

// value makes a value to store: never one of the small numbers that boxing gets for free.
func value(r uint64) int { return int(uint32(r)>>8) | 1<<20 }

type nothing struct{ n int }

// These look at a key as little as one can.

func sizeString(k string) int { return len(k) }
func sizeInt(k int) int       { return k }
func sizePair(k pair) int     { return len(k.a) + len(k.b) }

type mutexMap[K comparable] struct {
	mu sync.Mutex
	m  map[K]int
}

type rwMutexMap[K comparable] struct {
	mu sync.RWMutex
	m  map[K]int
}

// handWritten is the type that people write around a map.
type handWritten[K comparable] struct {
	mu sync.RWMutex
	m  map[K]int
}

func (h *handWritten[K]) get(k K) (int, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	v, ok := h.m[k]
	return v, ok
}

func (h *handWritten[K]) set(k K, v int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.m[k] = v
}

func (h *handWritten[K]) remove(k K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.m, k)
}

func (h *handWritten[K]) increment(k K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.m[k]++
}

func (h *handWritten[K]) getOrSet(k K, v int) (int, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.m[k]; ok {
		return old, true
	}
	h.m[k] = v
	return v, false
}

func (h *handWritten[K]) each(f func(int)) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, v := range h.m {
		f(v)
	}
}

type mapOfMaps struct {
	mu sync.RWMutex
	m  map[string]map[string]int
}

func (m *mapOfMaps) count() int {
	n := 0
	for _, row := range m.m {
		n += len(row)
	}
	return n
}

func countNested(m *safemap.Nested[string, string, int]) int {
	n := 0
	for _, row := range m.All() {
		n += row.Len()
	}
	return n
}

func countOf(m *sync.Map) int {
	n := 0
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// article is eight sync.Map, chosen by FNV-32a.
type article [8]sync.Map

func (a *article) shard(key string) *sync.Map {
	h := fnv.New32a()
	h.Write([]byte(key))
	return &a[h.Sum32()&7]
}

func (a *article) count() int {
	n := 0
	for i := range a {
		n += countOf(&a[i])
	}
	return n
}

// newMirror returns an empty Mirror; should it find a difference, the benchmark stops.
func newMirror[K comparable](share float64) *safemap.Mirror[K, int] {
	return safemap.NewMirror[K, int](safemap.NewSharded[K, int](), safemap.NewLocked[K, int](),
		safemap.MirrorOptions{Share: share, Logger: slog.New(stopping{slog.DiscardHandler})})
}

type stopping struct{ slog.Handler }

func (stopping) Enabled(context.Context, slog.Level) bool { return true }

func (stopping) Handle(_ context.Context, r slog.Record) error { panic(r.Message) }

// newOrcaman returns an empty map: strings by the library's own hash, ints by the golden ratio.
func newOrcaman[K comparable]() cmap.ConcurrentMap[K, int] {
	if m, ok := any(cmap.New[int]()).(cmap.ConcurrentMap[K, int]); ok {
		return m
	}
	return cmap.NewWithCustomShardingFunction[K, int](any(shardOfInt).(func(K) uint32))
}

func shardOfInt(k int) uint32 { return uint32(uint64(k) * 0x9E3779B97F4A7C15 >> 32) }
