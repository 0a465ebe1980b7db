// Correct shape: workers send maps of their own, one collector merges them (map-reduce, scatter-gather queries)
package ordering

import "strings"

type shardCounts map[string]int

func countShard(lines []string) shardCounts {
	c := shardCounts{}
	for _, l := range lines {
		for _, w := range strings.Fields(l) {
			c[w]++
		}
	}
	return c
}

func countWords(shards [][]string) map[string]int {
	parts := make(chan shardCounts)
	for _, s := range shards {
		go func() { parts <- countShard(s) }()
	}
	total := map[string]int{}
	for range shards {
		for w, n := range <-parts {
			total[w] += n
		}
	}
	return total
}

func TopWord(shards [][]string) (top string) {
	counts := countWords(shards)
	for w, n := range counts {
		if n > counts[top] {
			top = w
		}
	}
	return top
}
