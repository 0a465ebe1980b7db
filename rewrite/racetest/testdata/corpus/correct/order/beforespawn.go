package order

import "sync"

// Squares fills its table before it starts anybody, who only read.
func Squares(n int, ask []int) []int {
	table := map[int]int{}
	for i := range n {
		table[i] = i * i
	}
	out := make([]int, len(ask))
	var wg sync.WaitGroup
	for i, a := range ask {
		wg.Go(func() { out[i] = table[a] })
	}
	wg.Wait()
	return out
}
