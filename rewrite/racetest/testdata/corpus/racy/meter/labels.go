package meter

import "sync"

// Imitates minio's resourceMetricsMap: rows of a nested map, filled by a collector.

// Resources are metrics by subsystem.
type Resources struct {
	mu      sync.Mutex
	metrics map[string]map[string]float64 // racy
}

// NewResources returns no metrics.
func NewResources() *Resources { return &Resources{metrics: map[string]map[string]float64{}} }

// Update sets one.
func (r *Resources) Update(subsystem, name string, v float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, ok := r.metrics[subsystem]
	if !ok {
		row = map[string]float64{}
	}
	row[name] = v
	r.metrics[subsystem] = row
}

// Report sums a subsystem.
func (r *Resources) Report(subsystem string) (sum float64) {
	for _, v := range r.metrics[subsystem] {
		sum += v
	}
	return sum
}
