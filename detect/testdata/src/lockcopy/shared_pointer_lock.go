// Correct shape: value receivers share a mutex by pointer, so copies of the handle exclude each other (metric vectors, gin-like contexts)
package lockcopy

import "sync"

type vector struct {
	mu     *sync.Mutex
	series map[string]float64
}

func newVector() vector { return vector{mu: new(sync.Mutex), series: map[string]float64{}} }

func (v vector) Add(k string, x float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.series[k] += x
}

func (v vector) Sum() (s float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, x := range v.series {
		s += x
	}
	return s
}

func FeedVector(in chan string) func() float64 {
	v := newVector()
	for range 4 {
		go func() {
			for k := range in {
				v.Add(k, 1)
			}
		}()
	}
	return v.Sum
}
