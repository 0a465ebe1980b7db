// Racy shape: a mutex per key from a table serialises work on one key, but all keys share the map that is written under it (download managers)
package lockcopy

import "sync"

type downloads struct {
	tableMu sync.Mutex
	table   map[string]*sync.Mutex
	files   map[string][]byte
}

func (d *downloads) lockOf(url string) *sync.Mutex {
	d.tableMu.Lock()
	defer d.tableMu.Unlock()
	l := d.table[url]
	if l == nil {
		l = new(sync.Mutex)
		d.table[url] = l
	}
	return l
}

func (d *downloads) fetch(url string, get func(string) []byte) []byte {
	l := d.lockOf(url)
	l.Lock()
	defer l.Unlock()
	if data, ok := d.files[url]; ok {
		return data
	}
	data := get(url)
	d.files[url] = data // want `high unguarded: write of downloads.files under one of downloads.table only`
	return data
}

func (d *downloads) All(urls []string, get func(string) []byte) {
	var wg sync.WaitGroup
	for _, u := range urls {
		wg.Go(func() { d.fetch(u, get) })
	}
	wg.Wait()
}
