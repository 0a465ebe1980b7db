// SPDX-License-Identifier: MIT-0

package safemap

import (
	"hash/maphash"
	"reflect"
	"unsafe"
)

// hashing hashes keys of type K, by what is known of the type.
type hashing[K comparable] struct {
	seeds
	kind keyKind
}

type keyKind uint8

const (
	intKey    keyKind = iota // integers of all sizes
	stringKey                // strings
	otherKey
)

func newHashing[K comparable]() hashing[K] {
	h := hashing[K]{newSeeds(), otherKey}
	switch kind := reflect.TypeFor[K]().Kind(); {
	case kind >= reflect.Int && kind <= reflect.Uintptr:
		h.kind = intKey
	case kind == reflect.String:
		h.kind = stringKey
	}
	return h
}

// hash returns the hash of key. It panics if key is not hashable.
func (h *hashing[K]) hash(key K) uint64 {
	if h.kind == intKey {
		return h.hashWord(asWord(key))
	}
	return h.hashOther(key)
}

func (h *hashing[K]) hashOther(key K) uint64 {
	if h.kind == stringKey {
		return h.hashString(*(*string)(unsafe.Pointer(&key)))
	}
	return maphash.Comparable(h.seed, key)
}

// asWord returns a key of integer kind, or nothing in particular for another.
func asWord[K comparable](key K) uint64 {
	switch p := unsafe.Pointer(&key); unsafe.Sizeof(key) {
	case 1:
		return uint64(*(*uint8)(p))
	case 2:
		return uint64(*(*uint16)(p))
	case 4:
		return uint64(*(*uint32)(p))
	case 8:
		return *(*uint64)(p)
	}
	return 0
}
