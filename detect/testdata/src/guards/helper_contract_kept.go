// Correct shape: a helper documented "lock must be held" is reached through three levels of callers, all under the lock (nats sublist)
package guards

import "sync"

type level struct {
	mu    sync.Mutex
	nodes map[string]int // quiet guarded
	size  int
}

// insert is called with l.mu held.
func (l *level) insert(tok string) {
	if l.nodes[tok] == 0 {
		l.size++
	}
	l.nodes[tok]++
}

// insertAll is called with l.mu held.
func (l *level) insertAll(toks []string) {
	for _, t := range toks {
		l.insert(t)
	}
}

func (l *level) replace(toks []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.nodes)
	l.size = 0
	l.insertAll(toks)
}

func (l *level) Add(tok string) {
	l.mu.Lock()
	l.insert(tok)
	l.mu.Unlock()
}

func (l *level) Remove(tok string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nodes[tok]--; l.nodes[tok] == 0 {
		delete(l.nodes, tok)
		l.size--
	}
}

func (l *level) Reload(updates <-chan []string) {
	go func() {
		for toks := range updates {
			l.replace(toks)
		}
	}()
}
