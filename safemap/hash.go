// SPDX-License-Identifier: MIT-0

// Hashes of integers and strings, which both cores of Sharded use.

package safemap

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// seeds hash differently in every map.
//
// Integers and short strings are hashed by multiplication to 128 bits of words mixed with secrets,
// folded to 64 (as wyhash does), all others by hash/maphash. Those who do not know the secrets, and
// the hash values show in nothing but the order of iteration, cannot choose keys that collide.
type seeds struct {
	seed   maphash.Seed
	secret [4]uint64
}

func newSeeds() seeds {
	h := seeds{seed: maphash.MakeSeed()}
	for i := range h.secret {
		h.secret[i] = rand.Uint64() | 1
	}
	return h
}

// mixer is what wyhash multiplies by.
const mixer = 0x8bb84b93962eacc9

// fold multiplies to 128 bits and folds the halves.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashWord multiplies twice: once would map keys in arithmetic progression to another one, which may
// leave out half of the groups.
func (h *seeds) hashWord(w uint64) uint64 {
	return fold(fold(w^h.secret[0], h.secret[1]), mixer)
}

func (h *seeds) hashInt(i int) uint64 { return h.hashWord(uint64(i)) }

// hashString reads strings of up to 16 bytes as two words, and of up to 32 as four, which may overlap.
func (h *seeds) hashString(s string) uint64 {
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
