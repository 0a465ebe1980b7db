// SPDX-License-Identifier: MIT-0

package safemap

import (
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
)

// Mirror is a MapProvider for bringing another one into use step by step. The primary answers. For a
// share of the keys, chosen by hash, every operation is done on a candidate, too, and the outcomes
// are compared. A difference is logged once per key, then repaired: the candidate gets what the
// primary has. Past MirrorOptions.Tolerate differences the candidate is abandoned and the primary
// goes on alone; if all is well, Adopt puts the candidate in its place.
//
// A doubled operation holds a lock that belongs to its key and some others, so primary and candidate
// see the operations on a key in the same order. A callback runs once per call, on the primary; the
// candidate's callback returns what that one did. Values are compared as they are, not followed:
// pointers, slices, maps and functions are the same if they are the same in memory.
//
// All, Keys, Values and Snapshot look at the whole candidate, too, and compare what both give for the
// keys of the share, but for keys that are stored meanwhile; that makes them O(n) twice. Len is
// compared only when all keys are mirrored. Keys that do not equal themselves (NaN) are not mirrored.
//
// With a share of 0, reads cost one atomic load more than on the primary alone, other operations a
// read lock, one of several. Nobody else may use the primary or the candidate directly.
type Mirror[K comparable, V any] struct {
	_        noCopy
	state    atomic.Pointer[mirrorState[K, V]] // nil until first needed
	changing sync.Mutex                        // held while share or roles change
	partial  atomic.Bool                       // some key was not mirrored because it is NaN
	stripes  [mirrorStripes]mirrorStripe
	journal  mirrorJournal
}

// mirrorState is what the operations of a Mirror go by. It never changes; another one takes its place.
type mirrorState[K comparable, V any] struct {
	primary   MapProvider[K, V]
	candidate MapProvider[K, V] // nil if there is none, or no longer
	adopted   bool              // primary is what was the candidate
	plain     bool              // values can be compared by ==
	seed      maphash.Seed
	striped   bool   // every operation that may change a key takes that key's stripe, not just any
	share     uint64 // keys whose sample is below it are doubled and compared
	filling   uint64 // keys whose sample is below it are kept the same in the candidate; share or more
}

const mirrorStripes = 64

// mirrorStripe guards its part of the keys: an operation that may change a key holds it, for writing
// if the key is in the candidate, else for reading.
type mirrorStripe struct {
	sync.RWMutex
	version uint64   // counts changes of keys in the candidate; guarded by the lock
	_       [32]byte // stripes do not share cache lines
}

// MirrorOptions say how a Mirror works and reports. The zero value mirrors nothing, and abandons the
// candidate at the first difference.
type MirrorOptions struct {
	Name     string        // of the map, in the log and in the environment
	Service  string        // in the log; the program's name if empty
	Share    float64       // of the keys, in percent, to begin with
	Tolerate int           // differences, before the candidate is abandoned
	Logger   *slog.Logger  // slog.Default() if nil
	TraceID  func() string // names the trace that a difference is found in; must not use the map; may be nil
}

// NewMirror returns a Mirror of primary, which may have entries, onto candidate, which should have
// none. The environment variable SAFEMAP_MIRROR overrides options.Share for the named maps, and * for
// the others: "sessions=25,users=candidate,*=1" mirrors a quarter of the sessions, has users adopt
// the candidate at once, and mirrors one key of a hundred elsewhere.
func NewMirror[K comparable, V any](primary, candidate MapProvider[K, V], options MirrorOptions) *Mirror[K, V] {
	m := new(Mirror[K, V])
	m.journal.options = options
	m.state.Store(&mirrorState[K, V]{primary: primary, candidate: candidate, seed: maphash.MakeSeed(), plain: isPlain(reflect.TypeFor[V]())})
	if share, adopt := m.journal.start(); adopt {
		m.Adopt()
	} else {
		m.SetShare(share)
	}
	return m
}

// current returns the state: of an empty map if m is nil, of a new one if m is untouched.
func (m *Mirror[K, V]) current() *mirrorState[K, V] {
	if m == nil {
		return &mirrorState[K, V]{primary: (*Sharded[K, V])(nil)}
	}
	for {
		if st := m.state.Load(); st != nil {
			return st
		}
		m.state.CompareAndSwap(nil, &mirrorState[K, V]{primary: new(Sharded[K, V]), seed: maphash.MakeSeed()})
	}
}

// mirrorAll is above every sample: a share that takes all keys.
const mirrorAll = 1 << 53

// mirrorEntry is an operation on one key under way.
type mirrorEntry[K comparable, V any] struct {
	*mirrorState[K, V]
	stripe *mirrorStripe // nil if the Mirror is
	at     uint64        // the key's sample
	shared bool          // the key is not in the candidate: the stripe is held for reading
}

// enter begins an operation that may change key. If m is nil there is nothing to lock, and the primary
// is a nil Sharded, which panics when it is stored into.
func (m *Mirror[K, V]) enter(key K) (in mirrorEntry[K, V]) {
	for {
		in.mirrorState = m.current()
		in.shared = true
		if m == nil {
			return in
		}
		stripe := int(rand.Uint32() % mirrorStripes)
		if in.striped {
			in.at, stripe = in.sample(key)
			in.shared = in.at >= in.filling
		}
		in.stripe = &m.stripes[stripe]
		if in.shared {
			in.stripe.RLock()
		} else {
			in.stripe.Lock()
		}
		if in.at == mirrorAll && !m.partial.Load() {
			m.partial.Store(true)
		}
		if m.state.Load() == in.mirrorState {
			return in
		}
		in.leave() // the share has changed since
	}
}

func (in *mirrorEntry[K, V]) leave() {
	switch {
	case in.stripe == nil:
	case in.shared:
		in.stripe.RUnlock()
	default:
		in.stripe.Unlock()
	}
}

// sample returns where key stands among the shares, above all if it is a NaN, and its stripe. An unhashable key panics here,
// before any lock is taken.
func (st *mirrorState[K, V]) sample(key K) (at uint64, stripe int) {
	h := maphash.Comparable(st.seed, key)
	if key != key { // NaN
		return mirrorAll, 0
	}
	return h >> 11, int(h % mirrorStripes)
}

// outcome is what an operation on one key came to.
type outcome[V any] struct {
	value    V
	ok       bool
	old      V    // what the callback was given last
	loaded   bool //
	result   V    // what it returned
	op       Op   //
	panicked any  // by the candidate
}

// double does an operation on both sides and returns what it came to on the primary. do does it on the
// given side; for the candidate it gets what it came to on the primary. If the key is not in the share
// yet, but will be, the candidate only gets the result.
func (m *Mirror[K, V]) double(in mirrorEntry[K, V], operation string, key K, do func(p MapProvider[K, V], again *outcome[V]) outcome[V]) outcome[V] {
	defer m.journal.flush()
	defer in.leave()
	in.stripe.version++
	want := do(in.primary, nil)
	if in.at < in.share {
		got := guarded(func() outcome[V] { return do(in.candidate, &want) })
		if in.agree(want, got) {
			return want
		}
		m.differ(operation, key, want, got)
	}
	m.repair(key)
	return want
}

// repair gives the candidate what the primary has under key. The caller holds the key's stripe.
func (m *Mirror[K, V]) repair(key K) {
	st := m.state.Load()
	if st.candidate == nil {
		return // abandoned, or never there
	}
	var want outcome[V]
	want.value, want.ok = st.primary.Load(key)
	got := guarded(func() outcome[V] {
		if want.ok {
			st.candidate.Store(key, want.value)
		} else {
			st.candidate.Delete(key)
		}
		return want
	})
	if got.panicked != nil {
		m.differ("repair", key, want, got)
	}
}

// guarded calls f, which uses the candidate, and makes a panic its outcome.
func guarded[V any](f func() outcome[V]) (out outcome[V]) {
	defer func() {
		if p := recover(); p != nil {
			out = outcome[V]{panicked: p}
		}
	}()
	return f()
}

// differ notes a difference found by an operation on key, and abandons the candidate if it was one too
// many, or a panic: the candidate may have left a lock held. Once the candidate is abandoned, operations
// that began before and go on are no longer in step, and it notes nothing.
func (m *Mirror[K, V]) differ(operation string, key K, want, got outcome[V]) {
	if m.current().candidate == nil {
		return
	}
	if m.journal.difference(operation, digest(key), digestOutcome(want), digestOutcome(got), got.panicked) {
		m.abandon()
	}
}

// read does Load on the primary, and on the candidate if key is in the share.
func (m *Mirror[K, V]) read(operation string, key K) (V, bool) {
	st := m.current()
	if st.share == 0 {
		return st.primary.Load(key)
	}
	at, stripe := st.sample(key)
	if at >= st.share {
		return st.primary.Load(key)
	}
	if want, agreed := m.readBoth(st, &m.stripes[stripe], key); agreed {
		return want.value, want.ok
	}
	// Again, with the key to itself: either the share has changed, or there is something to repair.
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.Load(key)
	}
	want := m.double(in, operation, key, func(p MapProvider[K, V], _ *outcome[V]) outcome[V] { return load(p, key) })
	return want.value, want.ok
}

// readBoth loads key from both sides, beside other readers. It reports whether they agree.
func (m *Mirror[K, V]) readBoth(st *mirrorState[K, V], stripe *mirrorStripe, key K) (want outcome[V], agreed bool) {
	stripe.RLock()
	defer stripe.RUnlock()
	if m.state.Load() != st {
		return want, false
	}
	want = load(st.primary, key)
	got := guarded(func() outcome[V] { return load(st.candidate, key) })
	return want, st.agree(want, got)
}

func load[K comparable, V any](p MapProvider[K, V], key K) (out outcome[V]) {
	out.value, out.ok = p.Load(key)
	return out
}

// Load returns the value under key, and whether there is one.
func (m *Mirror[K, V]) Load(key K) (V, bool) { return m.read("Load", key) }

// Get returns the value under key, zero if there is none.
func (m *Mirror[K, V]) Get(key K) V {
	v, _ := m.read("Get", key)
	return v
}

// Store sets the value under key.
func (m *Mirror[K, V]) Store(key K, value V) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		in.primary.Store(key, value)
		return
	}
	m.double(in, "Store", key, func(p MapProvider[K, V], _ *outcome[V]) (out outcome[V]) {
		p.Store(key, value)
		return out
	})
}

// Delete removes key.
func (m *Mirror[K, V]) Delete(key K) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		in.primary.Delete(key)
		return
	}
	m.double(in, "Delete", key, func(p MapProvider[K, V], _ *outcome[V]) (out outcome[V]) {
		p.Delete(key)
		return out
	})
}

// LoadOrStore returns the value under key if there is one; otherwise it stores and returns value.
func (m *Mirror[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.LoadOrStore(key, value)
	}
	out := m.double(in, "LoadOrStore", key, func(p MapProvider[K, V], _ *outcome[V]) (out outcome[V]) {
		out.value, out.ok = p.LoadOrStore(key, value)
		return out
	})
	return out.value, out.ok
}

// LoadOrCompute returns the value under key if there is one; otherwise it stores and returns the
// result of f, called as the primary calls it.
func (m *Mirror[K, V]) LoadOrCompute(key K, f func() V) (actual V, loaded bool) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.LoadOrCompute(key, f)
	}
	out := m.double(in, "LoadOrCompute", key, func(p MapProvider[K, V], again *outcome[V]) (out outcome[V]) {
		g := f
		if again != nil {
			g = func() V { return again.value }
		}
		out.value, out.ok = p.LoadOrCompute(key, g)
		return out
	})
	return out.value, out.ok
}

// LoadAndDelete removes key and returns the value that was under it, and whether there was one.
func (m *Mirror[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.LoadAndDelete(key)
	}
	out := m.double(in, "LoadAndDelete", key, func(p MapProvider[K, V], _ *outcome[V]) (out outcome[V]) {
		out.value, out.ok = p.LoadAndDelete(key)
		return out
	})
	return out.value, out.ok
}

// Swap sets the value under key and returns the previous one, and whether there was one.
func (m *Mirror[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.Swap(key, value)
	}
	out := m.double(in, "Swap", key, func(p MapProvider[K, V], _ *outcome[V]) (out outcome[V]) {
		out.value, out.ok = p.Swap(key, value)
		return out
	})
	return out.value, out.ok
}

// Update stores under key, and returns, what f, called as the primary calls it, makes of the value
// there (zero if there is none).
func (m *Mirror[K, V]) Update(key K, f func(old V) V) V {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.Update(key, f)
	}
	return m.double(in, "Update", key, func(p MapProvider[K, V], again *outcome[V]) (out outcome[V]) {
		out.value = p.Update(key, func(old V) V {
			out.old = old
			if again != nil {
				return again.result
			}
			out.result = f(old)
			return out.result
		})
		return out
	}).value
}

// Compute calls f, as the primary calls it, with what Load would return, and does what the returned
// Op says. It returns what Load would return afterwards.
func (m *Mirror[K, V]) Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool) {
	in := m.enter(key)
	if in.shared {
		defer in.leave()
		return in.primary.Compute(key, f)
	}
	out := m.double(in, "Compute", key, func(p MapProvider[K, V], again *outcome[V]) (out outcome[V]) {
		out.value, out.ok = p.Compute(key, func(old V, loaded bool) (V, Op) {
			out.old, out.loaded = old, loaded
			if again != nil {
				return again.result, again.op
			}
			out.result, out.op = f(old, loaded)
			return out.result, out.op
		})
		return out
	})
	return out.value, out.ok
}
