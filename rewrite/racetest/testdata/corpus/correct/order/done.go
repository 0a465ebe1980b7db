package order

// Load loads in the background and waits for the end.
func Load(keys []string) map[string]bool {
	loaded := map[string]bool{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, k := range keys {
			loaded[k] = true
		}
	}()
	<-done
	loaded["all"] = true
	return loaded
}
