package metrics

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sort"
	"time"
)

// WriteTo writes every metric as a line of text, sorted.
func (r *Registry) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for _, line := range r.lines() {
		n, err := io.WriteString(w, line)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (r *Registry) lines() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	lines := make([]string, 0, len(r.counters)+ // one line each
		len(r.gauges))
	for name, n := range r.counters {
		lines = append(lines, fmt.Sprintf("%s %d %s\n", name, n, r.help[name]))
	}
	for name, v := range r.gauges {
		lines = append(lines, fmt.Sprintf("%s %g %s\n", name, v, r.help[name]))
	}
	sort.Strings(lines)
	return lines
}

// ServeHTTP answers a scrape.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	r.Add("scrapes", 1)
	r.WriteTo(w)
	r.Observe("scrape", time.Since(start))
}

// Push writes the metrics to w at every tick until ctx ends.
func (r *Registry) Push(ctx context.Context, w io.Writer, every time.Duration) {
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.Add("pushes", 1)
				r.WriteTo(w)
			case <-ctx.Done():
				return
			}
		}
	}()
}
