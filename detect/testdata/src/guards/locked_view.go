// Correct shape: lock returns the guarded part and the caller unlocks when done with it (rust-like mutex guards)
package guards

import "sync"

type tableData struct {
	rows map[string]int
	hits int
}

type lockedTable struct {
	mu   sync.Mutex
	data tableData
}

func (t *lockedTable) lock() *tableData {
	t.mu.Lock()
	return &t.data
}

func (t *lockedTable) unlock() { t.mu.Unlock() }

func (t *lockedTable) bump(k string) int {
	d := t.lock()
	defer t.unlock()
	d.rows[k]++
	d.hits++
	return d.rows[k]
}

func (t *lockedTable) trim(least int) {
	d := t.lock()
	for k, n := range d.rows {
		if n < least {
			delete(d.rows, k)
		}
	}
	t.unlock()
}

func BumpAll(keys <-chan string) {
	t := &lockedTable{data: tableData{rows: map[string]int{}}}
	for range 4 {
		go func() {
			for k := range keys {
				if t.bump(k) > 100 {
					t.trim(2)
				}
			}
		}()
	}
}
