// Racy shape: Close sets the map to nil as its closed flag under the lock, Len reads the variable without (nil-map closed flags)
package replaced

import (
	"errors"
	"sync"
)

type feedSet struct {
	mu    sync.Mutex
	feeds map[string]func()
}

func (f *feedSet) open(name string, stop func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.feeds == nil {
		return errors.New("closed")
	}
	f.feeds[name] = stop
	return nil
}

func (f *feedSet) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.feeds, name)
}

func (f *feedSet) close() {
	f.mu.Lock()
	feeds := f.feeds
	f.feeds = nil
	f.mu.Unlock()
	for _, stop := range feeds {
		stop()
	}
}

func (f *feedSet) idle() bool {
	return len(f.feeds) == 0 // want `(medium|high) (partial|replaced): `
}

func Feeds(names <-chan string) {
	f := &feedSet{feeds: map[string]func(){}}
	go func() {
		for n := range names {
			if f.open(n, func() {}) != nil {
				f.drop(n)
			}
		}
	}()
	for !f.idle() {
		f.close()
	}
}
