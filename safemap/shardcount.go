// SPDX-License-Identifier: MIT-0

package safemap

import (
	"math/bits"
	"runtime"
)

// shardCount returns 16 × GOMAXPROCS as a power of two, at least 16 and at most 256: so many that two
// goroutines seldom want the same lock at once.
func shardCount() int {
	return 1 << bits.Len(uint(min(16*runtime.GOMAXPROCS(0), 256)-1))
}
