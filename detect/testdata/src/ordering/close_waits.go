// Correct shape: Close tells the loop to end, waits for it, then clears what the loop owned (syncthing services)
package ordering

import "time"

type janitor struct {
	expiry map[string]time.Time
	add    chan string
	quit   chan struct{}
	done   chan struct{}
}

func startJanitor() *janitor {
	j := &janitor{
		expiry: map[string]time.Time{},
		add:    make(chan string),
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	go j.loop()
	return j
}

func (j *janitor) loop() {
	defer close(j.done)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-j.quit:
			return
		case k := <-j.add:
			j.expiry[k] = time.Now().Add(time.Hour)
		case now := <-tick.C:
			for k, t := range j.expiry {
				if now.After(t) {
					delete(j.expiry, k)
				}
			}
		}
	}
}

func (j *janitor) Add(k string) { j.add <- k }

func (j *janitor) Close() int {
	close(j.quit)
	<-j.done
	left := len(j.expiry)
	clear(j.expiry)
	return left
}
