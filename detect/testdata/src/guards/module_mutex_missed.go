// Racy shape: a lock behind an interface with RLock and RUnlock guards the map, a summary method misses it (syncthing lib/sync)
package guards

import "sync"

type rwLocker interface {
	Lock()
	Unlock()
	RLock()
	RUnlock()
}

func newRWLocker() rwLocker { return new(sync.RWMutex) }

type folderStats struct {
	mut   rwLocker
	files map[string]int64
}

func newFolderStats() *folderStats {
	return &folderStats{mut: newRWLocker(), files: map[string]int64{}}
}

func (s *folderStats) received(name string, n int64) {
	s.mut.Lock()
	defer s.mut.Unlock()
	s.files[name] += n
}

func (s *folderStats) removed(name string) {
	s.mut.Lock()
	delete(s.files, name)
	s.mut.Unlock()
}

func (s *folderStats) size(name string) int64 {
	s.mut.RLock()
	defer s.mut.RUnlock()
	return s.files[name]
}

func (s *folderStats) summary() (n int64) {
	for _, size := range s.files { // want `(medium|high) iteration: range of folderStats.files without folderStats.mut`
		n += size
	}
	return n
}

func Pull(names <-chan string) int64 {
	s := newFolderStats()
	go func() {
		for n := range names {
			s.received(n, 1)
			if s.size(n) > 10 {
				s.removed(n)
			}
		}
	}()
	return s.summary()
}
