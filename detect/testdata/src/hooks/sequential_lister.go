// Correct shape: the closure with a map is passed through a function variable to a lister that calls it in a loop of its own goroutine (sequential gateways)
package hooks

// VisitEntries is replaced in tests.
var VisitEntries = visitEntries

func visitEntries(names []string, visit func(name string) bool) int {
	done := make(chan int)
	go func() {
		n := 0
		for _, name := range names {
			if visit(name) {
				n++
			}
		}
		done <- n
	}()
	return <-done
}

type depthCount struct{ max int }

func (d *depthCount) Count(names []string) int {
	seen := make(map[string]int)
	n := VisitEntries(names, func(name string) bool {
		seen[name]++
		return seen[name] <= d.max
	})
	return n + len(seen)
}
