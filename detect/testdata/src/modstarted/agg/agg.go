// Racy shape: Run of an exported type is started as a goroutine by another package, its exported Add has no lock either (aggregators)
package agg

import "time"

// An Aggregator sums samples.
type Aggregator struct {
	sums map[string]float64
	out  func(string, float64)
}

// New returns an empty one.
func New(out func(string, float64)) *Aggregator {
	return &Aggregator{sums: map[string]float64{}, out: out}
}

// Run flushes for ever.
func (a *Aggregator) Run() {
	for range time.Tick(time.Second) {
		for k, v := range a.sums {
			a.out(k, v)
			delete(a.sums, k)
		}
	}
}

// Add adds a sample.
func (a *Aggregator) Add(k string, v float64) {
	a.sums[k] += v // want `(medium|high) unguarded: .* of Aggregator.sums`
}
