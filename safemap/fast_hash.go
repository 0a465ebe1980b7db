// SPDX-License-Identifier: MIT-0

package safemap

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"unsafe"
)

// hashing hashes keys of type K, differently in every map.
//
// Integers and short strings are hashed by multiplication to 128 bits of words mixed with secrets,
// folded to 64 (as wyhash does), all others by hash/maphash. Those who do not know the secrets, and
// the hash values show in nothing but the order of iteration, cannot choose keys that collide.
type hashing[K comparable] struct {
	kind   keyKind
	seed   maphash.Seed
	secret [4]uint64
}

type keyKind uint8

const (
	intKey    keyKind = iota // integers of all sizes
	stringKey                // strings
	otherKey
)

func newHashing[K comparable]() hashing[K] {
	h := hashing[K]{kind: otherKey, seed: maphash.MakeSeed()}
	switch kind := reflect.TypeFor[K]().Kind(); {
	case kind >= reflect.Int && kind <= reflect.Uintptr:
		h.kind = intKey
	case kind == reflect.String:
		h.kind = stringKey
	}
	for i := range h.secret {
		h.secret[i] = rand.Uint64() | 1
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

// mixer is what wyhash multiplies by.
const mixer = 0x8bb84b93962eacc9

// fold multiplies to 128 bits and folds the halves.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
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

// hashWord multiplies twice: once would map keys in arithmetic progression to another one, which may
// leave out half of the groups.
func (h *hashing[K]) hashWord(w uint64) uint64 {
	return fold(fold(w^h.secret[0], h.secret[1]), mixer)
}

// hashString reads strings of up to 16 bytes as two words, and of up to 32 as four, which may overlap.
func (h *hashing[K]) hashString(s string) uint64 {
	n := len(s)
	first := h.secret[0] ^ uint64(n)
	switch {
	case n > 32:
		return maphash.String(h.seed, s)
	case n > 16:
		return fold(fold(le64(s)^first, le64(s[8:])^h.secret[1])^fold(le64(s[n-16:])^h.secret[2], le64(s[n-8:])^h.secret[3]), mixer)
	case n >= 8:
		return fold(fold(le64(s)^first, le64(s[n-8:])^h.secret[1]), mixer)
	case n >= 4:
		return fold(fold(le32(s)^first, le32(s[n-4:])^h.secret[1]), mixer)
	case n > 0:
		return h.hashWord(uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16 | uint64(n)<<24)
	}
	return first
}

// le64 returns the first 8 bytes of s, le32 the first 4. Where it may, the compiler makes one load of
// each.
func le64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func le32(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
