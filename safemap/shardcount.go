// SPDX-License-Identifier: MIT-0

package safemap

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
)

// shardCount returns 16 × GOMAXPROCS as a power of two, at least 16 and at most 256: so many that two
// goroutines seldom want the same lock at once.
func shardCount() int {
	return 1 << bits.Len(uint(min(16*runtime.GOMAXPROCS(0), 256)-1))
}

// anyOrder returns where to begin, and how far to go, to come to each of a power of two once.
func anyOrder() (at, step uint) {
	r := rand.Uint64()
	return uint(r), uint(r>>32) | 1
}
