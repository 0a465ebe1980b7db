// Correct shape: the map is filled, given to the goroutine as an argument and not touched again (report writers)
package confine

import "sort"

type reportWriter struct{ write func(string, int) }

func (w *reportWriter) print(counts map[string]int, done chan<- struct{}) {
	defer close(done)
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		w.write(k, counts[k])
		delete(counts, k)
	}
}

func WriteReports(days [][]string, write func(string, int)) {
	w := &reportWriter{write}
	var waits []chan struct{}
	for _, d := range days {
		counts := map[string]int{}
		for _, e := range d {
			counts[e]++
		}
		done := make(chan struct{})
		go w.print(counts, done)
		waits = append(waits, done)
	}
	for _, d := range waits {
		<-d
	}
}
