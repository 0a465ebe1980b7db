// Correct shape: rows per day, old days are dropped as a whole by maps.DeleteFunc (usage statistics)
package leaks

import (
	"maps"
	"sync"
)

type dailyUse struct {
	mu   sync.Mutex
	days map[int]map[string]int // quiet !leak
}

func (d *dailyUse) count(day int, user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.days[day] == nil {
		d.days[day] = map[string]int{}
	}
	d.days[day][user]++
}

func (d *dailyUse) expire(before int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.days, func(day int, _ map[string]int) bool { return day < before })
}

func (d *dailyUse) Run(users <-chan string, today func() int) {
	for range 2 {
		go func() {
			for u := range users {
				d.count(today(), u)
				d.expire(today() - 30)
			}
		}()
	}
}
