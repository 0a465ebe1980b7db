// Correct shape: one goroutine selects over events and ticks, so its local map needs no lock (connection managers)
package confine

import "time"

func superviseLoop(events, gone <-chan string, drop func(string)) {
	last := make(map[string]time.Time)
	expire := func(now time.Time) {
		for e, t := range last {
			if now.Sub(t) > time.Hour {
				drop(e)
				delete(last, e)
			}
		}
	}
	go func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case e := <-events:
				last[e] = time.Now()
			case e := <-gone:
				delete(last, e)
			case now := <-tick.C:
				expire(now)
			}
		}
	}()
}

func Supervise(events, gone <-chan string) { superviseLoop(events, gone, func(string) {}) }
