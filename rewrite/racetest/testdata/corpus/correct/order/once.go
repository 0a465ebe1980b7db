package order

import "sync"

var (
	unitsOnce sync.Once
	units     map[string]float64
)

// Unit converts; the table is made once.
func Unit(name string) float64 {
	unitsOnce.Do(func() {
		units = map[string]float64{"m": 1, "km": 1000}
	})
	return units[name]
}

// Convert asks from goroutines.
func Convert(names []string) {
	for _, n := range names {
		go Unit(n)
	}
}
