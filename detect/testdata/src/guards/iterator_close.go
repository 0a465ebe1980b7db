// Correct shape: an iterator takes the read lock when made and gives it back in Close, Next reads the map meanwhile (kv iterators)
package guards

import (
	"sort"
	"sync"
)

type kvTable struct {
	mu   sync.RWMutex
	rows map[string]int
}

type kvIter struct {
	t    *kvTable
	keys []string
	pos  int
}

func (t *kvTable) iter() *kvIter {
	t.mu.RLock()
	it := &kvIter{t: t, pos: -1}
	for k := range t.rows {
		it.keys = append(it.keys, k)
	}
	sort.Strings(it.keys)
	return it
}

func (it *kvIter) next() bool {
	it.pos++
	return it.pos < len(it.keys)
}

func (it *kvIter) value() int { return it.t.rows[it.keys[it.pos]] }

func (it *kvIter) close() { it.t.mu.RUnlock() }

func (t *kvTable) put(k string, v int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[k] = v
}

func (t *kvTable) sum() (n int) {
	it := t.iter()
	defer it.close()
	for it.next() {
		n += it.value()
	}
	return n
}

func SumWhileWriting(keys <-chan string) (n int) {
	t := &kvTable{rows: map[string]int{}}
	go func() {
		for k := range keys {
			t.put(k, len(k))
		}
	}()
	for range 10 {
		n += t.sum()
	}
	return n
}
