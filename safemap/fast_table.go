// SPDX-License-Identifier: MIT-0

// The tables and stripes of the fast core. Numbers in parentheses refer to the steps of the
// argument in the package comment.

package safemap

import (
	"math/bits"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	slots      = 8  // of a group
	smallTable = 64 // groups that a small table has at most
	everyByte  = 0x0101010101010101
	topBits    = 0x80 * everyByte
	deadTag    = 1
)

// group is the tags, keys and cells of eight slots. The cells are of type unsafe.Pointer or uintptr,
// so that the garbage collector knows which; what searches groups does not care.
type group[K comparable, Cell any] struct {
	tags  atomic.Uint64
	slots [slots]struct {
		key  K
		cell Cell
	}
}

// fastTable is the beginning of an array of groups: it lies where the first group's tags would be, and
// the groups follow in the places after that one. It never changes.
type fastTable struct {
	groups uint64 // number of them
}

// view is what readers know of a shard. Views lie densely, apart from what lockers write to.
type view struct {
	table atomic.Pointer[fastTable]
}

// at returns the view at the offset from v, which is the first one.
func (v *view) at(offset uintptr) *view { return (*view)(unsafe.Add(unsafe.Pointer(v), offset)) }

// part is what writers know of a shard.
type part struct {
	table *fastTable
	room  int // number of slots that may be used: seven eighths of them, so that searches end
	used  int // number of slots that are live or dead
	live  int
	hint  int // number of entries to make room for at first
}

// stripe is the part of a shard with its lock.
type stripe struct {
	mu   sync.Mutex
	part // guarded by mu
	_    [64 - 8 - unsafe.Sizeof(part{})]byte
}

// slot is a place in a group: that of a key that was found, or else the empty one for it.
type slot[K comparable] struct {
	group *group[K, uintptr]
	index uintptr
	found bool
}

// groupAt returns group i of t.
func groupAt[K comparable](t *fastTable, i uint64) *group[K, uintptr] {
	return (*group[K, uintptr])(unsafe.Add(unsafe.Pointer(t), (uintptr(i)+1)*unsafe.Sizeof(group[K, uintptr]{})))
}

// key and cell return the places of key and cell j.
func (g *group[K, Cell]) key(j uintptr) *K {
	return (*K)(unsafe.Add(unsafe.Pointer(&g.slots), j*unsafe.Sizeof(g.slots[0])))
}

func (g *group[K, Cell]) cell(j uintptr) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&g.slots[0].cell), j*unsafe.Sizeof(g.slots[0]))
}

// zeroBytes returns a word in which the lowest bit set is the top bit of the lowest byte that is 0
// in x. It has none if there is no such byte. Bits above may stand for bytes that are 1.
func zeroBytes(x uint64) uint64 { return (x - everyByte) &^ x & topBits }

// byteIndex returns the index of the byte that the lowest bit of x is in.
func byteIndex(x uint64) uintptr { return uintptr(bits.TrailingZeros64(x)) / 8 }

// liveTag is the tag of a live slot with a key of hash h.
func liveTag(h uint64) uint64 { return h>>57 | 0x80 }

// firstGroup returns the index of the group that h names, of n. The bits of h that it goes by are
// not those that choose the shard and the tag.
func firstGroup(h, n uint64) uint64 { return uint64(uint32(h)) * n >> 32 }

// seek finds key, of hash h, in t.
func seek[K comparable](t *fastTable, h uint64, key K) slot[K] {
	want := liveTag(h) * everyByte
	for i := firstGroup(h, t.groups); ; {
		g := groupAt[K](t, i)
		tags := g.tags.Load()
		for x := zeroBytes(tags ^ want); x != 0; x &= x - 1 {
			if j := byteIndex(x); *g.key(j) == key {
				return slot[K]{g, j, true}
			}
		}
		if x := zeroBytes(tags); x != 0 {
			return slot[K]{g, byteIndex(x), false}
		}
		if i++; i == t.groups {
			i = 0
		}
	}
}

// cellKind is how values are kept in cells (4).
type cellKind uint8

const (
	wordCell    cellKind = iota // as they are: no pointers, at most a word
	pointerCell                 // as they are: one pointer
	boxCell                     // as a pointer to a copy
)

func cellsFor(t reflect.Type) cellKind {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return pointerCell
	}
	if t.Size() <= unsafe.Sizeof(uintptr(0)) && !hasPointers(t) {
		return wordCell
	}
	return boxCell
}

func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	}
	return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128
}

// loadPointer reads a cell that holds a pointer, of a slot that was seen live (4).
func (m *FastSharded[K, V]) loadPointer(g *group[K, uintptr], j uintptr) (v V, ok bool) {
	p := atomic.LoadPointer((*unsafe.Pointer)(g.cell(j)))
	switch {
	case p == nil && g.tags.Load()>>(8*j)&0xff == deadTag:
		return v, false
	case m.cells == pointerCell:
		return *(*V)(unsafe.Pointer(&p)), true
	}
	return *(*V)(p), true
}

// value returns the value in a slot that is live and stays so: the caller holds the lock.
func (m *FastSharded[K, V]) value(at slot[K]) V {
	if m.cells == wordCell {
		return m.word(at)
	}
	v, _ := m.loadPointer(at.group, at.index)
	return v
}

// word and setWord read and write a cell that holds a value as it is.
func (m *FastSharded[K, V]) word(at slot[K]) V {
	w := atomic.LoadUintptr((*uintptr)(at.group.cell(at.index)))
	return *(*V)(unsafe.Pointer(&w))
}

func (m *FastSharded[K, V]) setWord(at slot[K], value V) {
	var w uintptr
	*(*V)(unsafe.Pointer(&w)) = value
	atomic.StoreUintptr((*uintptr)(at.group.cell(at.index)), w)
}

// asPointer returns what goes into a cell that holds a pointer.
func (m *FastSharded[K, V]) asPointer(value V) unsafe.Pointer {
	if m.cells == pointerCell {
		return *(*unsafe.Pointer)(unsafe.Pointer(&value))
	}
	box := value
	return unsafe.Pointer(&box)
}

// put sets the value of the slot where key was found, or adds key if it was not. The caller holds
// the lock of s, which is that of h, the hash of key.
func (m *FastSharded[K, V]) put(s *stripe, at slot[K], h uint64, key K, value V) {
	switch {
	case !at.found:
		if m.insert(&s.part, at, h, key, value) {
			m.publish(s, h)
		}
		if !m.made.Load() {
			m.made.Store(true)
		}
	case m.cells == wordCell:
		m.setWord(at, value)
	default:
		atomic.StorePointer((*unsafe.Pointer)(at.group.cell(at.index)), m.asPointer(value))
	}
}

// insert adds key, which has the hash h, to p; at is what seek found. It reports whether p has a new
// table, to be published.
func (m *FastSharded[K, V]) insert(p *part, at slot[K], h uint64, key K, value V) (rebuilt bool) {
	if rebuilt = p.used == p.room; rebuilt {
		m.rebuild(p)
		at = seek(p.table, h, key)
	}
	*at.group.key(at.index) = key // nobody looks yet (2), nor into the cell
	if c := at.group.cell(at.index); m.cells == wordCell {
		var w uintptr
		*(*V)(unsafe.Pointer(&w)) = value
		*(*uintptr)(c) = w
	} else {
		*(*unsafe.Pointer)(c) = m.asPointer(value)
	}
	at.group.tags.Store(at.group.tags.Load() | liveTag(h)<<(8*at.index))
	p.used++
	p.live++
	return rebuilt
}

// remove deletes the key in a slot. The caller holds the lock of s, which is that of h, the hash of
// the key.
func (m *FastSharded[K, V]) remove(s *stripe, at slot[K], h uint64) {
	tags := at.group.tags.Load()
	at.group.tags.Store(tags&^(0xff<<(8*at.index)) | deadTag<<(8*at.index))
	if m.cells != wordCell {
		atomic.StorePointer((*unsafe.Pointer)(at.group.cell(at.index)), nil)
	}
	s.live--
	if s.live < s.room/slots && s.table.groups > 2 {
		m.rebuild(&s.part)
		m.publish(s, h)
	}
}

// publish shows readers the table of s, which is the stripe of hash h (6).
func (m *FastSharded[K, V]) publish(s *stripe, h uint64) {
	m.views.Load().at(m.offset(h)).table.Store(s.table)
}

// rebuild gives p a table with its live entries and room for at least one more. If none is dead, it
// grows; else there is room for as many more as it has, so that a change costs O(1) of rebuilding.
func (m *FastSharded[K, V]) rebuild(p *part) {
	room := 2*p.live + 1
	switch {
	case p.room == 0:
		room = max(p.hint, 1)
	case p.used == p.live && p.table.groups < 8:
		room = 4 * p.room
	case p.used == p.live && p.table.groups < 16:
		room = 2 * p.room
	case p.used == p.live && p.table.groups <= smallTable:
		room = p.room / 2 * 3
	case p.used == p.live:
		room = p.room + 1
	}
	old := p.table
	*p = m.newPart(room)
	for i := range old.groups {
		from := groupAt[K](old, i)
		for live := from.tags.Load() & topBits; live != 0; live &= live - 1 {
			j := byteIndex(live)
			m.move(p, *from.key(j), from.cell(j))
		}
	}
}

// newPart returns an empty part with room for at least so many entries. Small tables are filled to
// five eighths, so that most keys are in their first group, and fill what the allocator gives;
// large ones, for which memory decides, to seven eighths: their sizes are powers of two, and three
// quarters of those.
func (m *FastSharded[K, V]) newPart(room int) part {
	fill := slots * 5 / 8
	n := (room + fill - 1) / fill
	if n > smallTable {
		fill = slots * 7 / 8
		n = (room + fill - 1) / fill
		if power := 1 << bits.Len(uint(n-1)); power/4*3 >= n {
			n = power / 4 * 3
		} else {
			n = power
		}
	}
	var t *fastTable
	if m.cells == wordCell {
		t, n = newGroups[K, uintptr](n)
	} else {
		t, n = newGroups[K, unsafe.Pointer](n)
	}
	t.groups = uint64(n)
	return part{table: t, room: n * fill}
}

// newGroups returns a table with at least n groups, and their number.
func newGroups[K comparable, Cell any](n int) (*fastTable, int) {
	groups := slices.Grow([]group[K, Cell](nil), n+1)
	return (*fastTable)(unsafe.Pointer(unsafe.SliceData(groups))), cap(groups) - 1
}

// move adds a key and its cell to p, which nobody else sees and which has room. So it need not be
// atomic, nor does it compare keys.
func (m *FastSharded[K, V]) move(p *part, key K, cell unsafe.Pointer) {
	h := m.hashing.hash(key)
	n := p.table.groups
	i := firstGroup(h, n)
	g := groupAt[K](p.table, i)
	tags := (*uint64)(unsafe.Pointer(&g.tags))
	for zeroBytes(*tags) == 0 {
		if i++; i == n {
			i = 0
		}
		g = groupAt[K](p.table, i)
		tags = (*uint64)(unsafe.Pointer(&g.tags))
	}
	j := byteIndex(zeroBytes(*tags))
	*g.key(j) = key
	if m.cells == wordCell {
		*(*uintptr)(g.cell(j)) = atomic.LoadUintptr((*uintptr)(cell))
	} else {
		*(*unsafe.Pointer)(g.cell(j)) = atomic.LoadPointer((*unsafe.Pointer)(cell))
	}
	*tags |= liveTag(h) << (8 * j)
	p.used++
	p.live++
}

// ready returns the stripes of a map that is not nil, made on first use.
func (m *FastSharded[K, V]) ready() []stripe {
	if m.views.Load() == nil {
		m.start()
	}
	return m.stripes
}

func (m *FastSharded[K, V]) start() {
	m.starting.Lock()
	defer m.starting.Unlock()
	if m.views.Load() != nil {
		return
	}
	n := shardCount()
	m.hashing = newHashing[K]()
	m.cells = cellsFor(reflect.TypeFor[V]())
	m.viewMask = uintptr(n-1) * unsafe.Sizeof(view{})
	m.stripes = make([]stripe, n)
	m.none = m.newPart(1).table
	parts := partsOf(n, m.none)
	for i, p := range parts {
		p.hint = m.hint / n
		m.stripes[i].part = p
	}
	m.views.Store(viewsOf(parts))
}

// noParts returns a part without entries for each stripe.
func (m *FastSharded[K, V]) noParts() []part { return partsOf(len(m.ready()), m.none) }

func partsOf(n int, t *fastTable) []part {
	parts := make([]part, n)
	for i := range parts {
		parts[i].table = t
	}
	return parts
}

// viewsOf returns the first of the views of parts.
func viewsOf(parts []part) *view {
	views := make([]view, len(parts))
	for i := range parts {
		views[i].table.Store(parts[i].table)
	}
	return &views[0]
}

// offset returns the offset of the view of h's shard, index its index.
func (m *FastSharded[K, V]) offset(h uint64) uintptr { return uintptr(h>>32) & m.viewMask }
func (m *FastSharded[K, V]) index(h uint64) uintptr  { return m.offset(h) / unsafe.Sizeof(view{}) }

// lock locks the stripe for key and returns it with key's hash. m is not nil.
func (m *FastSharded[K, V]) lock(key K) (*stripe, uint64) {
	stripes := m.ready()
	h := m.hashing.hash(key)
	s := &stripes[m.index(h)]
	s.mu.Lock()
	return s, h
}

// swap exchanges the parts of all stripes for those in next, in one atomic step (7), and sets made.
func (m *FastSharded[K, V]) swap(next []part, made bool) {
	views := viewsOf(next)
	for i := range m.stripes {
		m.stripes[i].mu.Lock()
	}
	m.views.Store(views)
	m.made.Store(made)
	for i := range m.stripes {
		s := &m.stripes[i]
		next[i], s.part = s.part, next[i]
		s.mu.Unlock()
	}
}

func zero[V any]() (v V, ok bool) { return }
