// SPDX-License-Identifier: MIT-0

package safemap

import (
	"math/bits"
	"runtime"
)

// shardCount returns 4 × GOMAXPROCS as a power of two, at least 8 and at most 256.
func shardCount() int {
	return 1 << bits.Len(uint(min(max(4*runtime.GOMAXPROCS(0), 8), 256)-1))
}
