// SPDX-License-Identifier: MIT-0

// The shards of the fast core: which tables they have, and when they get others. Numbers in
// parentheses refer to the steps of the argument in the package comment.

package safemap

import (
	"math/bits"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	sharedGroups = 1024 // that a table of all shards has at most: growing it blocks all writers
	smallRegion  = 64   // groups of a shard below which their number is not made a power of two
)

// part is what writers know of a shard: its groups, in a table of its own or in that of all shards.
type part struct {
	table         *fastTable
	first, groups uint64
	room          int // number of slots that may be used: less than there are, so that searches end
	used          int // number of slots that are live or dead
	live          int
}

// stripe is the part of a shard with its lock.
type stripe struct {
	mu   sync.Mutex
	part // guarded by mu
	_    [64 - 8 - unsafe.Sizeof(part{})]byte
}

// layout is the parts of all shards, and the table that they share, nil if each has its own.
type layout struct {
	table *fastTable
	parts []part
}

// view is what readers know of a shard that has its own table.
type view struct {
	table atomic.Pointer[fastTable]
}

// split returns the index of the shard of hash h, and the place in it, a fraction of 1<<32.
func (m *FastSharded[K, V]) split(h uint64) (shard, place uint64) {
	x := uint64(uint32(h)) * uint64(m.shards)
	return x >> 32, x & (1<<32 - 1)
}

// firstGroup returns the index of the group of p that h names. In a table of all shards it is that
// share of the groups that h, without its upper half, is of 1<<32.
func (m *FastSharded[K, V]) firstGroup(p *part, h uint64) uint64 {
	_, place := m.split(h)
	return p.first + place*p.groups>>32
}

// own returns the table of h's shard, which has its own, and the index of the group that h names.
func (m *FastSharded[K, V]) own(h uint64) (*fastTable, uint64) {
	shard, place := m.split(h)
	t := m.views.Load().at(shard).table.Load()
	return t, place * uint64(t.groups) >> 32
}

// at returns view i; v is the first one.
func (v *view) at(i uint64) *view {
	return (*view)(unsafe.Add(unsafe.Pointer(v), uintptr(i)*unsafe.Sizeof(view{})))
}

// tableOf returns the table that readers look for keys of shard i in.
func (m *FastSharded[K, V]) tableOf(i int) *fastTable {
	if t := m.table.Load(); t != nil {
		return t
	}
	return m.views.Load().at(uint64(i)).table.Load()
}

// roomOf returns how many slots of so many groups may be used.
func roomOf(groups int) int { return groups * (slots - 1) }

// groupsFor returns the least number of groups with so much room.
func groupsFor(room int) int { return max((room+slots-2)/(slots-1), 1) }

// newPart returns an empty part with a table of its own and at least so much room. The sizes of large
// ones are powers of two, and three quarters of those.
func (m *FastSharded[K, V]) newPart(room int) part {
	n := groupsFor(room)
	if n > smallRegion {
		power := 1 << bits.Len(uint(n-1))
		if n = power; power/4*3 >= groupsFor(room) {
			n = power / 4 * 3
		}
	}
	t := m.newTable(1, n)
	return part{table: t, groups: uint64(t.groups), room: roomOf(int(t.groups))}
}

// newLayout returns empty parts with at least so much room each.
func (m *FastSharded[K, V]) newLayout(room int) layout {
	l := layout{parts: make([]part, m.shards)}
	if n := groupsFor(room); n*m.shards <= sharedGroups {
		l.table = m.newTable(m.shards, n)
		n = int(l.table.region)
		for i := range l.parts {
			l.parts[i] = part{table: l.table, first: uint64(i * n), groups: uint64(n), room: roomOf(n)}
		}
		return l
	}
	for i := range l.parts {
		l.parts[i] = m.newPart(room)
	}
	return l
}

// enlarge returns the layout that follows on l when part i has no room: with the same entries and
// room in part i. All shards get a larger table together as long as that is small, and most of what
// fills it is live; otherwise each gets its own, for good.
func (m *FastSharded[K, V]) enlarge(l layout, i int) layout {
	p := &l.parts[i]
	switch {
	case l.table == nil:
		m.rebuild(p)
		return l
	case p.live >= p.used/4*3:
		n := int(p.groups)
		switch {
		case n < 8:
			n *= 4
		case n < 24: // many maps stay about this small: what is copied more often is little
			n += n / 8
		default:
			n += n / 2
		}
		next := m.newLayout(roomOf(n))
		for j := range l.parts {
			m.moveAll(&next.parts[j], l.parts[j])
		}
		return next
	}
	return m.separate(l)
}

// separate returns a layout with the same entries in which each shard has its own table.
func (m *FastSharded[K, V]) separate(l layout) layout {
	next := layout{parts: make([]part, len(l.parts))}
	for j, from := range l.parts {
		next.parts[j] = m.newPart(2*from.live + 1)
		m.moveAll(&next.parts[j], from)
	}
	return next
}

// rebuild gives p, which has its own table, one with its live entries and room for at least one more.
// If none is dead, it grows; else there is room for as many more as it has, so that a change costs
// O(1) of rebuilding.
func (m *FastSharded[K, V]) rebuild(p *part) {
	room := 2*p.live + 1
	switch {
	case p.used == p.live && p.groups < 8:
		room = 4 * p.room
	case p.used == p.live && p.groups <= smallRegion:
		room = p.room / 2 * 3
	case p.used == p.live:
		room = p.room + 1
	}
	old := *p
	*p = m.newPart(room)
	m.moveAll(p, old)
}

// lock locks the stripe for key and returns it with key's hash and shard. m is not nil.
func (m *FastSharded[K, V]) lock(key K) (s *stripe, h uint64) {
	stripes := m.ready()
	h = m.hashing.hash(key)
	i, _ := m.split(h)
	s = &stripes[i]
	s.mu.Lock()
	return s, h
}

// find returns the slot of key, of hash h. The caller holds the lock of s.
func (m *FastSharded[K, V]) find(s *stripe, h uint64, key K) slot[K] {
	return seek(s.table, m.firstGroup(&s.part, h), h, key)
}

// place returns the slot of key for storing. That is at, what find returned, if key was there or its
// shard has room; else it makes room, which may take all locks: what the caller saw before under the
// lock of s, which it holds then as now, counts no more.
func (m *FastSharded[K, V]) place(s *stripe, at slot[K], h uint64, key K) slot[K] {
	for !at.found && s.used == s.room {
		if m.table.Load() == nil {
			m.rebuild(&s.part)
			m.publish(s, h)
			return at
		}
		s.mu.Unlock()
		m.reshape(h)
		s.mu.Lock()
		at = m.find(s, h, key)
	}
	return at
}

// put sets the value of the slot where place found key, or adds key if it did not.
func (m *FastSharded[K, V]) put(s *stripe, at slot[K], h uint64, key K, value V) {
	if at.found {
		m.setValue(at, value)
		return
	}
	m.insert(&s.part, h, key, value)
	if !m.made.Load() {
		m.made.Store(true)
	}
}

// remove deletes the key in a slot. The caller holds the lock of s, which is that of h, the hash of
// the key. It reports whether reshape is to be called without the lock.
func (m *FastSharded[K, V]) remove(s *stripe, at slot[K], h uint64) (sparse bool) {
	m.kill(&s.part, at)
	switch {
	case !s.sparse():
		return false
	case m.table.Load() != nil:
		return true
	}
	m.rebuild(&s.part)
	m.publish(s, h)
	return false
}

// publish shows readers the table of s, which is the stripe of hash h and has its own (6).
func (m *FastSharded[K, V]) publish(s *stripe, h uint64) {
	i, _ := m.split(h)
	m.views.Load().at(i).table.Store(s.table)
}

// sparse reports whether p should shrink.
func (p *part) sparse() bool { return p.live < p.room/8 && p.groups > 2 }

// reshape gives the shard of hash h room, or less of it, if it still needs that and has no table of
// its own.
func (m *FastSharded[K, V]) reshape(h uint64) {
	i, _ := m.split(h)
	m.lockAll()
	defer m.unlockAll()
	l := layout{m.table.Load(), make([]part, m.shards)}
	for j := range l.parts {
		l.parts[j] = m.stripes[j].part
	}
	switch p := l.parts[i]; {
	case l.table == nil:
	case p.used == p.room:
		m.install(m.enlarge(l, int(i)))
	case p.sparse():
		m.install(m.separate(l))
	}
}

// install shows l to readers, in one atomic step (7), and to writers. The caller holds all locks.
func (m *FastSharded[K, V]) install(l layout) {
	for i := range l.parts {
		m.stripes[i].part = l.parts[i]
	}
	if l.table == nil {
		m.views.Store(viewsOf(l.parts))
	}
	m.table.Store(l.table)
}

// swap is install with all locks taken. It returns the parts until now, and sets made.
func (m *FastSharded[K, V]) swap(l layout, made bool) []part {
	m.lockAll()
	defer m.unlockAll()
	old := make([]part, m.shards)
	for i := range old {
		old[i] = m.stripes[i].part
	}
	m.install(l)
	m.made.Store(made)
	return old
}

func (m *FastSharded[K, V]) lockAll() {
	for i := range m.stripes {
		m.stripes[i].mu.Lock()
	}
}

func (m *FastSharded[K, V]) unlockAll() {
	for i := range m.stripes {
		m.stripes[i].mu.Unlock()
	}
}

// viewsOf returns the first of the views of parts.
func viewsOf(parts []part) *view {
	views := make([]view, len(parts))
	for i := range parts {
		views[i].table.Store(parts[i].table)
	}
	return &views[0]
}

// untouched reports whether nothing was stored in m yet, which is not nil.
func (m *FastSharded[K, V]) untouched() bool { return m.table.Load() == nil && m.views.Load() == nil }

// ready returns the stripes of a map that is not nil, made on first use.
func (m *FastSharded[K, V]) ready() []stripe {
	if m.untouched() {
		m.start()
	}
	return m.stripes
}

func (m *FastSharded[K, V]) start() {
	m.starting.Lock()
	defer m.starting.Unlock()
	if !m.untouched() {
		return
	}
	m.shards = min(shardCount()/2, 64)
	m.hashing = newHashing[K]()
	m.cells = cellsFor(reflect.TypeFor[V]())
	m.stripes = make([]stripe, m.shards)
	m.install(m.newLayout(m.hint / m.shards))
}

// empty returns a layout without entries and with room for about so many.
func (m *FastSharded[K, V]) empty(size int) layout { return m.newLayout(size / len(m.ready())) }
