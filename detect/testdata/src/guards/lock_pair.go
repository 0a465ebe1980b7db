// Correct shape: lock and unlock are split between two methods that callers bracket their work with (begin/end, acquire/release)
package guards

import "sync"

type journal struct {
	mu      sync.Mutex
	entries map[uint64]string
	next    uint64
}

func (j *journal) begin() *journal {
	j.mu.Lock()
	return j
}

func (j *journal) end() { j.mu.Unlock() }

func (j *journal) append(e string) uint64 {
	defer j.begin().end()
	j.next++
	j.entries[j.next] = e
	return j.next
}

func (j *journal) trim(upTo uint64) {
	j.begin()
	defer j.end()
	for id := range j.entries {
		if id <= upTo {
			delete(j.entries, id)
		}
	}
}

func (j *journal) Follow(lines <-chan string) {
	go func() {
		for l := range lines {
			j.append(l)
		}
	}()
	j.trim(j.append("start"))
}
