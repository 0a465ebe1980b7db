// Correct shape: the copying method is called with the lock held (data usage totals)
package escapes

import "sync"

type tierUsage struct {
	total  int64
	byTier map[string]int64
}

func (u tierUsage) largest() (name string) {
	var most int64
	for d, n := range u.byTier {
		if n > most {
			name, most = d, n
		}
	}
	return name
}

type TierMeter struct {
	mu  sync.Mutex
	cur tierUsage
}

func (m *TierMeter) Record(tier string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cur.total += n
	m.cur.byTier[tier] += n
}

func (m *TierMeter) Hottest() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cur.largest()
}

func (m *TierMeter) Collect(samples <-chan string) {
	go func() {
		for d := range samples {
			m.Record(d, 1)
		}
	}()
}
