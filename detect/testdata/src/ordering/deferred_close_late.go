// Racy shape: the function goes on filling the map before it waits for the goroutine's deferred close (background loads)
package ordering

func LoadEarly(keys []string) int {
	index := map[string]int{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i, k := range keys {
			index[k] = i
		}
	}()
	index["all"] = len(keys) // want `(medium|high) unguarded: .* of ordering.LoadEarly.index`
	<-done
	return len(index)
}
