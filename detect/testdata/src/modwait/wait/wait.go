// Package wait runs functions periodically.
package wait

import "time"

// Until calls f every period until stop is closed.
func Until(f func(), period time.Duration, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		func() {
			defer func() { _ = recover() }()
			f()
		}()
		time.Sleep(period)
	}
}

// Group starts functions and waits for them.
type Group struct{ done chan struct{} }

// Start runs f in a goroutine.
func (g *Group) Start(f func()) {
	go func() {
		f()
		g.done <- struct{}{}
	}()
}
