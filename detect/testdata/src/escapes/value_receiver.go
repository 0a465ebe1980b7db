// Racy shape: a method with a value receiver works on a copied struct that shares its map with the guarded one (minio data usage)
package escapes

import "sync"

type diskUsage struct {
	total  int64
	byDisk map[string]int64
}

func (u diskUsage) largest() (name string) {
	var most int64
	for d, n := range u.byDisk { // want `(medium|high) (escape|iteration|partial): range of diskUsage.byDisk`
		if n > most {
			name, most = d, n
		}
	}
	return name
}

type UsageMeter struct {
	mu  sync.Mutex
	cur diskUsage
}

func (m *UsageMeter) Record(disk string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cur.total += n
	m.cur.byDisk[disk] += n
}

func (m *UsageMeter) Forget(disk string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cur.total -= m.cur.byDisk[disk]
	delete(m.cur.byDisk, disk)
}

func (m *UsageMeter) usage() diskUsage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cur
}

func (m *UsageMeter) Hottest() string { return m.usage().largest() }

func (m *UsageMeter) Collect(samples <-chan string) {
	go func() {
		for d := range samples {
			m.Record(d, 1)
		}
	}()
}
