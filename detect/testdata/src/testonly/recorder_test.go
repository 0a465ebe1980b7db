package testonly

import (
	"sync"
	"testing"
)

func TestRecorder(t *testing.T) {
	r := newRecorder()
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r.record("x")
		}()
	}
	wg.Wait()
	if r.count("x") != 4 {
		t.Error(r.count("x"))
	}
}
