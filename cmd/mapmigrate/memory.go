// This file tunes the garbage collector for a program that runs once over much data.

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// ample is how much memory a run may use before it is worth collecting often, and
	// ampleForAll that of one that rewrites every map: so much of it is live that half of
	// its CPU time went into collecting.
	ample       = 920 << 20
	ampleForAll = 1800 << 20
	// relaxed is the GOGC of a run with room to spare: little is garbage while a
	// module is loaded, and looking for it was a third of the CPU time.
	relaxed = 400
)

// room is ample or ampleForAll.
var room atomic.Int64

// tuneMemory lets the heap grow freely up to ample bytes, where collecting is a waste, and
// makes the collector work harder near that, so that a module of some hundred thousand
// lines is done in a gigabyte. A module whose live data does not fit gets more: the limit
// follows what is live, twice as fast, so that the collector never takes over the run.
// Whoever sets GOGC or GOMEMLIMIT has decided already.
func tuneMemory() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(relaxed)
	room.Store(ample)
	debug.SetMemoryLimit(ample)
	watchHeap()
}

// tuneMemoryForAll makes more room, if tuneMemory has decided how much there is.
func tuneMemoryForAll() {
	if room.CompareAndSwap(ample, ampleForAll) {
		debug.SetMemoryLimit(ampleForAll)
	}
}

// watchHeap sets the limit anew after each collection.
func watchHeap() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var again func(*sentinel)
	again = func(*sentinel) {
		metrics.Read(live)
		if live[0].Value.Kind() == metrics.KindUint64 {
			debug.SetMemoryLimit(limitFor(int64(live[0].Value.Uint64())))
		}
		runtime.SetFinalizer(&sentinel{}, again)
	}
	runtime.SetFinalizer(&sentinel{}, again)
}

// limitFor returns the limit for a heap with so many bytes live: three quarters of the room fit
// into it, and each byte more gets two.
func limitFor(live int64) int64 { return room.Load() + 2*max(0, live-room.Load()/4*3) }

// A sentinel is garbage at once: its finalizer runs after the next collection.
type sentinel struct{ _ [16]byte }
