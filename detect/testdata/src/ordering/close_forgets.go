// Racy shape: Close tells the loop to end but does not wait for it before it clears the loop's map
package ordering

import "time"

type reaper struct {
	expiry map[string]time.Time
	add    chan string
	quit   chan struct{}
}

func startReaper() *reaper {
	r := &reaper{expiry: map[string]time.Time{}, add: make(chan string), quit: make(chan struct{})}
	go r.loop()
	return r
}

func (r *reaper) loop() {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-r.quit:
			return
		case k := <-r.add:
			r.expiry[k] = time.Now().Add(time.Hour)
		case now := <-tick.C:
			for k, t := range r.expiry {
				if now.After(t) {
					delete(r.expiry, k)
				}
			}
		}
	}
}

func (r *reaper) Add(k string) { r.add <- k }

func (r *reaper) Finish() {
	close(r.quit)
	clear(r.expiry) // want `(medium|high) unguarded: .* of reaper.expiry`
}
