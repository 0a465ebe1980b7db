// SPDX-License-Identifier: MIT-0

// What concerns a Mirror as a whole: its share and roles, and operations on all keys.

package safemap

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// SetShare mirrors percent of the keys from now on, and reports whether there is a candidate to mirror
// them to. When it returns, the keys that have come into the share have been copied and are compared;
// those that have left it are gone from the candidate. The map stays in use meanwhile: no operation
// waits for more than the copying of a key.
func (m *Mirror[K, V]) SetShare(percent float64) bool {
	if m == nil {
		return false
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	return m.setShare(uint64(min(max(percent, 0), 100) / 100 * mirrorAll))
}

func (m *Mirror[K, V]) setShare(to uint64) bool {
	defer m.journal.flush()
	set := func(striped bool, share, filling uint64) bool {
		return m.turn(func(st *mirrorState[K, V]) { st.striped, st.share, st.filling = striped, share, filling })
	}
	from := m.current().share
	if to > from {
		// An operation on the primary alone and a doubled one on the same key must not meet. Holding the
		// key's stripe, they do not; so all have to do that before any is doubled.
		if !set(true, from, from) || !set(true, from, to) {
			return false
		}
		m.fill(from, to)
		return set(true, to, to)
	}
	if !set(from > 0, to, to) {
		return false
	}
	m.drop(to)
	return set(to > 0, to, to)
}

// fill copies the keys with samples of from and more, up to to. The operations on them keep them the same
// in the candidate already, without comparing: so a key that is stored while fill looks for keys is
// not lost, and one that is deleted is not there.
func (m *Mirror[K, V]) fill(from, to uint64) {
	st := m.current()
	for key := range st.primary.Keys() {
		at, stripe := st.sample(key)
		if at == mirrorAll {
			m.partial.Store(true)
		}
		if at >= from && at < to {
			m.copyKey(key, &m.stripes[stripe])
		}
	}
}

func (m *Mirror[K, V]) copyKey(key K, stripe *mirrorStripe) {
	stripe.Lock()
	defer stripe.Unlock()
	m.repair(key)
}

// drop deletes the keys with samples of to and more from the candidate, where no operation uses them
// any more.
func (m *Mirror[K, V]) drop(to uint64) {
	m.onCandidate("drop", func(candidate MapProvider[K, V]) {
		if to == 0 {
			candidate.Clear()
			return
		}
		st := m.current()
		for key := range candidate.Keys() {
			if at, _ := st.sample(key); at >= to {
				candidate.Delete(key)
			}
		}
	})
}

// onCandidate calls f with the candidate, if there is one, and takes a panic for a difference, though
// one of no key.
func (m *Mirror[K, V]) onCandidate(operation string, f func(candidate MapProvider[K, V])) (done bool) {
	st := m.current()
	if st.candidate == nil {
		return false
	}
	got := guarded(func() (none outcome[V]) {
		f(st.candidate)
		return none
	})
	if got.panicked != nil && m.journal.difference(operation, "", "", "", got.panicked) {
		m.abandon()
	}
	return got.panicked == nil
}

// turn has change make another state of the current one, and waits for the operations that go by the
// old one. It does nothing, and reports false, if there is no candidate (any more).
func (m *Mirror[K, V]) turn(change func(st *mirrorState[K, V])) bool {
	for {
		st := m.current()
		if st.candidate == nil {
			return false
		}
		next := *st
		change(&next)
		if m.state.CompareAndSwap(st, &next) {
			break
		}
	}
	for i := range m.stripes {
		m.stripes[i].Lock()
		m.stripes[i].version++ // whoever held it is done
		m.stripes[i].Unlock()
	}
	return true
}

// abandon leaves the primary alone for good. The caller may hold stripes.
func (m *Mirror[K, V]) abandon() {
	for {
		st := m.state.Load()
		if st.candidate == nil || m.state.CompareAndSwap(st, &mirrorState[K, V]{primary: st.primary, seed: st.seed}) {
			return
		}
	}
}

// Adopt copies all keys to the candidate, and has it answer in the place of the primary from then on,
// alone. It reports whether the candidate answers: not if it was abandoned before, or by a difference
// found meanwhile.
func (m *Mirror[K, V]) Adopt() bool {
	if m == nil {
		return false
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	if !m.setShare(mirrorAll) {
		return m.current().adopted
	}
	m.Snapshot() // compares all there is
	defer m.journal.flush()
	defer m.lockAll()()
	st := m.current()
	copied := m.onCandidate("Adopt", func(candidate MapProvider[K, V]) {
		if !m.partial.Load() {
			return
		}
		for k, v := range st.primary.All() {
			if k != k {
				candidate.Store(k, v)
			}
		}
	})
	return copied && m.state.CompareAndSwap(st, &mirrorState[K, V]{primary: st.candidate, seed: st.seed, adopted: true})
}

// lockAll takes all stripes, in order, and returns what gives them back.
func (m *Mirror[K, V]) lockAll() (unlock func()) {
	for i := range m.stripes {
		m.stripes[i].Lock()
	}
	return func() {
		for i := range m.stripes {
			m.stripes[i].Unlock()
		}
	}
}

// MirrorStatus says how a Mirror is doing.
type MirrorStatus struct {
	Share       float64 // of the keys, in percent, that is mirrored and compared
	Differences int     // found so far, one key's own counted each time
	Mirroring   bool    // there is a candidate
	Adopted     bool    // what was the candidate answers
}

// Status returns how m is doing.
func (m *Mirror[K, V]) Status() MirrorStatus {
	st := m.current()
	s := MirrorStatus{Share: float64(st.share) / mirrorAll * 100, Mirroring: st.candidate != nil, Adopted: st.adopted}
	if m != nil {
		s.Differences = m.journal.count()
	}
	return s
}

// Len returns the number of entries.
func (m *Mirror[K, V]) Len() int {
	st := m.current()
	n := st.primary.Len()
	if st.share == mirrorAll && !m.partial.Load() {
		m.compareLen(st, n)
	}
	return n
}

// compareLen compares n with the candidate's Len, and if they differ, again with nothing under way: it
// may have been an operation between the two.
func (m *Mirror[K, V]) compareLen(st *mirrorState[K, V], n int) {
	defer m.journal.flush()
	got := n
	count := func(candidate MapProvider[K, V]) { got = candidate.Len() }
	if m.onCandidate("Len", count); got == n {
		return
	}
	defer m.lockAll()()
	if m.current() != st {
		return
	}
	n = st.primary.Len()
	if m.onCandidate("Len", count) && got != n && m.journal.difference("Len", "", digest(n), digest(got), nil) {
		m.abandon()
	}
}

// Clear removes all entries, as the primary does it.
func (m *Mirror[K, V]) Clear() {
	if m != nil {
		m.reset(func(p MapProvider[K, V]) { p.Clear() })
	}
}

// reset empties both sides, the primary by clear.
func (m *Mirror[K, V]) reset(clear func(MapProvider[K, V])) {
	m.current()
	defer m.journal.flush()
	defer m.lockAll()()
	clear(m.current().primary)
	m.partial.Store(false)
	for i := range m.stripes {
		m.stripes[i].version++
	}
	m.onCandidate("Clear", func(candidate MapProvider[K, V]) { candidate.Clear() })
}

// taken returns what take makes of the primary, and compares it with what it makes of the candidate for
// the keys of the share.
func (m *Mirror[K, V]) taken(operation string, take func(MapProvider[K, V]) map[K]V) map[K]V {
	st := m.current()
	if st.share == 0 {
		return take(st.primary)
	}
	defer m.journal.flush()
	before := m.versions()
	want := take(st.primary)
	var got map[K]V
	if m.onCandidate(operation, func(candidate MapProvider[K, V]) { got = take(candidate) }) {
		for _, key := range m.suspects(st, want, got) {
			m.judge(operation, st, key, want, got, &before)
		}
	}
	return want
}

// versions returns the stripes' versions, with no operation on a doubled key under way at each.
func (m *Mirror[K, V]) versions() (all [mirrorStripes]uint64) {
	for i := range m.stripes {
		m.stripes[i].RLock()
		all[i] = m.stripes[i].version
		m.stripes[i].RUnlock()
	}
	return all
}

// suspects returns the keys of the share in which want and got differ, in the order of their digests.
func (m *Mirror[K, V]) suspects(st *mirrorState[K, V], want, got map[K]V) (keys []K) {
	for key := range want {
		if at, _ := st.sample(key); at < st.share && !st.agree(found(want, key), found(got, key)) {
			keys = append(keys, key)
		}
	}
	for key := range got {
		if at, _ := st.sample(key); at < st.share && !found(want, key).ok {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b K) int { return strings.Compare(digest(a), digest(b)) })
	return keys
}

func found[K comparable, V any](m map[K]V, key K) (out outcome[V]) {
	out.value, out.ok = m[key]
	return out
}

// judge notes a difference between want and got in key, unless a key of its stripe was changed since
// before, and repairs it.
func (m *Mirror[K, V]) judge(operation string, st *mirrorState[K, V], key K, want, got map[K]V, before *[mirrorStripes]uint64) {
	_, i := st.sample(key)
	stripe := &m.stripes[i]
	stripe.Lock()
	defer stripe.Unlock()
	if m.current() == st && stripe.version == before[i] {
		m.differ(operation, key, found(want, key), found(got, key))
		m.repair(key)
		stripe.version++
	}
}

// All iterates over the entries of the primary, and after Adopt goes on with their values in what was
// the candidate.
func (m *Mirror[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		st := m.current()
		if st.share > 0 {
			m.taken("All", func(p MapProvider[K, V]) map[K]V { return maps.Collect(p.All()) })
		}
		for k, v := range st.primary.All() {
			if m != nil && m.current().adopted != st.adopted {
				if !yieldLive([]entry[K, V]{{k, v}}, m.Load, yield) {
					return
				}
			} else if !yield(k, v) {
				return
			}
		}
	}
}

// Keys is All without the values.
func (m *Mirror[K, V]) Keys() iter.Seq[K] { return keysOf(m.All()) }

// Values is All without the keys.
func (m *Mirror[K, V]) Values() iter.Seq[V] { return valuesOf(m.All()) }

// Snapshot returns a new map with the entries; nil if m is nil or untouched.
func (m *Mirror[K, V]) Snapshot() map[K]V {
	return m.taken("Snapshot", MapProvider[K, V].Snapshot)
}

// MarshalJSON encodes a snapshot.
func (m *Mirror[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON adds the decoded entries, one by one; null does what it does to the primary, or
// removes all.
func (m *Mirror[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	if m != nil && in == nil && err == nil {
		m.reset(func(p MapProvider[K, V]) {
			if u, ok := p.(json.Unmarshaler); ok {
				err = u.UnmarshalJSON(data)
			} else {
				p.Clear()
			}
		})
	} else if u, ok := m.current().primary.(json.Unmarshaler); ok && m != nil && in != nil {
		err = errors.Join(err, u.UnmarshalJSON([]byte("{}"))) // an empty map is not a nil one
	}
	for k, v := range in {
		m.Store(k, v)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *Mirror[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, m.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (m *Mirror[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }
