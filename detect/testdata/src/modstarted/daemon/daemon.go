// Package daemon wires an aggregator to its input.
package daemon

import "cases/modstarted/agg"

type sample struct {
	name string
	val  float64
}

// Serve feeds samples to an aggregator that runs beside it.
func Serve(in <-chan sample) {
	a := agg.New(func(string, float64) {})
	go a.Run()
	for s := range in {
		a.Add(s.name, s.val)
	}
}
