// SPDX-License-Identifier: MIT-0

// The tables of the fast core: groups of slots, and how a key is found and added. Numbers in
// parentheses refer to the steps of the argument in the package comment.

package safemap

import (
	"math/bits"
	"reflect"
	"slices"
	"sync/atomic"
	"unsafe"
)

const (
	slots     = 7 // of a group
	everyByte = 0x0101010101010101
	slotBits  = 0x0080808080808080 // the top bits of the bytes that are tags of slots
	deadTag   = 1
)

// group is the tags, keys and cells of seven slots. The cells are of type unsafe.Pointer or uintptr,
// so that the garbage collector knows which; what searches groups does not care.
type group[K comparable, Cell any] struct {
	tags  atomic.Uint64 // a byte per slot; the eighth byte is the marks of the keys that did not fit
	slots [slots]struct {
		key  K
		cell Cell
	}
}

// fastTable is the beginning of an array of groups: it lies where the first group's tags would be, and
// the groups follow in the places after that one. It never changes.
type fastTable struct {
	groups uint32 // number of them
	region uint32 // number of groups of each shard: all of them, or a fraction
}

// slot is the place of a key in a group, or none.
type slot[K comparable] struct {
	group *group[K, uintptr]
	index uintptr
	found bool
}

// groupAt returns group i of t.
func groupAt[K comparable](t *fastTable, i uint64) *group[K, uintptr] {
	return (*group[K, uintptr])(unsafe.Add(unsafe.Pointer(t), (uintptr(i)+1)*unsafe.Sizeof(group[K, uintptr]{})))
}

// after returns the index of the group in which a search goes on after group i: the next one of the
// shard, the first one after the last.
func (t *fastTable) after(i uint64) uint64 {
	if i++; i%uint64(t.region) == 0 {
		i -= uint64(t.region)
	}
	return i
}

// key and cell return the places of key and cell j.
func (g *group[K, Cell]) key(j uintptr) *K {
	return (*K)(unsafe.Add(unsafe.Pointer(&g.slots), j*unsafe.Sizeof(g.slots[0])))
}

func (g *group[K, Cell]) cell(j uintptr) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&g.slots[0].cell), j*unsafe.Sizeof(g.slots[0]))
}

// zeroTags returns a word in which the lowest bit set is the top bit of the lowest tag that is 0 in x.
// It has none if there is no such tag. Bits above may stand for tags that are 1.
func zeroTags(x uint64) uint64 { return (x - everyByte) &^ x & slotBits }

// byteIndex returns the index of the byte that the lowest bit of x is in.
func byteIndex(x uint64) uintptr { return uintptr(bits.TrailingZeros64(x)) / 8 }

// liveTag is the tag of a live slot with a key of hash h.
func liveTag(h uint64) uint64 { return h>>57 | 0x80 }

// mark is the bit in the eighth byte of a group's tags that is set when a key of hash h did not fit.
func mark(h uint64) uint64 { return 1 << (56 + h>>40&7) }

// seek finds key, of hash h, in t. It begins with group i.
func seek[K comparable](t *fastTable, i, h uint64, key K) slot[K] {
	want := liveTag(h) * everyByte
	for {
		g := groupAt[K](t, i)
		tags := g.tags.Load()
		for x := zeroTags(tags ^ want); x != 0; x &= x - 1 {
			if j := byteIndex(x); *g.key(j) == key {
				return slot[K]{g, j, true}
			}
		}
		if tags&mark(h) == 0 {
			return slot[K]{}
		}
		i = t.after(i)
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

// setValue sets the value of a slot that is live and stays so: the caller holds the lock.
func (m *FastSharded[K, V]) setValue(at slot[K], value V) {
	if m.cells == wordCell {
		m.setWord(at, value)
	} else {
		atomic.StorePointer((*unsafe.Pointer)(at.group.cell(at.index)), m.asPointer(value))
	}
}

// insert adds key, which is not there and has the hash h, to p, which has room. The groups that it
// does not fit into are marked before it is published (5).
func (m *FastSharded[K, V]) insert(p *part, h uint64, key K, value V) {
	for i := m.firstGroup(p, h); ; i = p.table.after(i) {
		g := groupAt[K](p.table, i)
		tags := g.tags.Load()
		empty := zeroTags(tags)
		if empty == 0 {
			g.tags.Store(tags | mark(h))
			continue
		}
		j := byteIndex(empty)
		*g.key(j) = key // nobody looks yet (2), nor into the cell
		if c := g.cell(j); m.cells == wordCell {
			var w uintptr
			*(*V)(unsafe.Pointer(&w)) = value
			*(*uintptr)(c) = w
		} else {
			*(*unsafe.Pointer)(c) = m.asPointer(value)
		}
		g.tags.Store(tags | liveTag(h)<<(8*j))
		p.used++
		p.live++
		return
	}
}

// kill deletes the key in a slot of p. The caller holds the lock.
func (m *FastSharded[K, V]) kill(p *part, at slot[K]) {
	tags := at.group.tags.Load()
	at.group.tags.Store(tags&^(0xff<<(8*at.index)) | deadTag<<(8*at.index))
	if m.cells != wordCell {
		atomic.StorePointer((*unsafe.Pointer)(at.group.cell(at.index)), nil)
	}
	p.live--
}

// moveAll adds the live entries of from, which does not change, to p, which has room.
func (m *FastSharded[K, V]) moveAll(p *part, from part) {
	for i := range from.groups {
		g := groupAt[K](from.table, from.first+i)
		for live := g.tags.Load() & slotBits; live != 0; live &= live - 1 {
			j := byteIndex(live)
			m.move(p, *g.key(j), g.cell(j))
		}
	}
}

// move adds a key and its cell to p, which nobody else sees and which has room. So it need not be
// atomic, nor does it compare keys.
func (m *FastSharded[K, V]) move(p *part, key K, cell unsafe.Pointer) {
	h := m.hashing.hash(key)
	i := m.firstGroup(p, h)
	g := groupAt[K](p.table, i)
	tags := (*uint64)(unsafe.Pointer(&g.tags))
	for zeroTags(*tags) == 0 {
		*tags |= mark(h)
		i = p.table.after(i)
		g = groupAt[K](p.table, i)
		tags = (*uint64)(unsafe.Pointer(&g.tags))
	}
	j := byteIndex(zeroTags(*tags))
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

// newTable returns a table with at least so many groups for each of so many shards, as many as fill
// what the allocator gives.
func (m *FastSharded[K, V]) newTable(shards, region int) *fastTable {
	var t *fastTable
	var n int
	if m.cells == wordCell {
		t, n = newGroups[K, uintptr](shards * region)
	} else {
		t, n = newGroups[K, unsafe.Pointer](shards * region)
	}
	t.region = uint32(n / shards)
	t.groups = t.region * uint32(shards)
	return t
}

// newGroups returns a table with at least n groups, and their number.
func newGroups[K comparable, Cell any](n int) (*fastTable, int) {
	groups := slices.Grow([]group[K, Cell](nil), n+1)
	return (*fastTable)(unsafe.Pointer(unsafe.SliceData(groups))), cap(groups) - 1
}

func zero[V any]() (v V, ok bool) { return }
