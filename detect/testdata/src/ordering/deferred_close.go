// Correct shape: a goroutine closes a channel when it ends, by defer; its function waits for that and goes on filling (background loads)
package ordering

func LoadIndex(keys []string) int {
	index := map[string]int{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i, k := range keys {
			index[k] = i
		}
	}()
	<-done
	index["all"] = len(keys)
	return len(index)
}
