// SPDX-License-Identifier: MIT-0

package safemap

import (
	"math/bits"
	"slices"
)

// rowIndex finds rows by the hash that their shard was chosen by: a Go map would hash the key again,
// under the lock. It is a table of slots in which a key is in the first free slot from where its hash
// points to on, so that a search may stop at a free slot.
type rowIndex[K1, K2 comparable, V any] struct {
	slots []rowSlot[K1, K2, V] // none, or a power of two, half of which are free
	used  int
}

type rowSlot[K1, K2 comparable, V any] struct {
	hash uint64 // odd; 0 in a free slot
	key  K1
	row  map[K2]V
}

// home returns where a hash points to. Its upper half has chosen the shard.
func (x *rowIndex[K1, K2, V]) home(hash uint64) int { return int(hash>>1) & (len(x.slots) - 1) }

// next returns the place after i.
func (x *rowIndex[K1, K2, V]) next(i int) int { return (i + 1) & (len(x.slots) - 1) }

// find returns the slot of key, nil if it is absent.
func (x *rowIndex[K1, K2, V]) find(hash uint64, key K1) *rowSlot[K1, K2, V] {
	if x.slots == nil {
		return nil
	}
	for i := x.home(hash); ; i = x.next(i) {
		switch at := &x.slots[i]; {
		case at.hash == hash && at.key == key:
			return at
		case at.hash == 0:
			return nil
		}
	}
}

// add adds a key that is absent.
func (x *rowIndex[K1, K2, V]) add(hash uint64, key K1, row map[K2]V) {
	if x.used >= len(x.slots)/2 {
		x.grow(x.used)
	}
	x.place(rowSlot[K1, K2, V]{hash, key, row})
}

// place puts a slot's content into a free one.
func (x *rowIndex[K1, K2, V]) place(content rowSlot[K1, K2, V]) {
	i := x.home(content.hash)
	for x.slots[i].hash != 0 {
		i = x.next(i)
	}
	x.slots[i] = content
	x.used++
}

// grow makes room for that many rows and one. Slots are small beside the rows.
func (x *rowIndex[K1, K2, V]) grow(rows int) {
	old := x.slots
	x.slots, x.used = make([]rowSlot[K1, K2, V], 4<<bits.Len(uint(rows/2))), 0
	for _, content := range old {
		if content.hash != 0 {
			x.place(content)
		}
	}
}

// remove frees a slot, and moves up those after it that had to give way.
func (x *rowIndex[K1, K2, V]) remove(key *rowSlot[K1, K2, V]) {
	free := x.home(key.hash)
	for &x.slots[free] != key {
		free = x.next(free)
	}
	for i := x.next(free); x.slots[i].hash != 0; i = x.next(i) {
		if from := x.home(x.slots[i].hash); x.distance(from, i) >= x.distance(free, i) {
			x.slots[free], free = x.slots[i], i
		}
	}
	x.slots[free] = rowSlot[K1, K2, V]{}
	x.used--
}

// distance returns how many places after from to is.
func (x *rowIndex[K1, K2, V]) distance(from, to int) int { return (to - from) & (len(x.slots) - 1) }

// copied appends the rows to buf.
func (x rowIndex[K1, K2, V]) copied(buf []entry[K1, map[K2]V]) []entry[K1, map[K2]V] {
	buf = slices.Grow(buf, x.used)
	for _, at := range x.slots {
		if at.hash != 0 {
			buf = append(buf, entry[K1, map[K2]V]{at.key, at.row})
		}
	}
	return buf
}
