package order

// Batches hands each map over and makes a new one.
func Batches(in []string, size int) <-chan map[string]int {
	out := make(chan map[string]int)
	go func() {
		defer close(out)
		batch := map[string]int{}
		for _, w := range in {
			batch[w]++
			if len(batch) == size {
				out <- batch
				batch = map[string]int{}
			}
		}
		out <- batch
	}()
	return out
}

// Total adds batches up.
func Total(in []string) (n int) {
	for b := range Batches(in, 2) {
		for _, c := range b {
			n += c
		}
	}
	return n
}
