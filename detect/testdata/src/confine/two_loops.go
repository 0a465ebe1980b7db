// Racy shape: a reader goroutine and a ticker goroutine of one function both change its local map (connection managers)
package confine

import "time"

func manage(events <-chan string, drop func(string)) {
	last := make(map[string]time.Time)
	go func() {
		for e := range events {
			last[e] = time.Now() // want `(medium|high) unguarded: `
		}
	}()
	go func() {
		for now := range time.Tick(time.Minute) {
			for e, t := range last {
				if now.Sub(t) > time.Hour {
					drop(e)
					delete(last, e)
				}
			}
		}
	}()
}

func Manage(events <-chan string) { manage(events, func(string) {}) }
