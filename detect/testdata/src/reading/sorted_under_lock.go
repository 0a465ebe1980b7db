// Correct shape: a less function reads the map during sort.Slice, inside the critical section (top-n lists)
package reading

import (
	"sort"
	"sync"
)

type leaderboard struct {
	mu     sync.Mutex
	points map[string]int
}

func (l *leaderboard) score(who string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.points[who] += n
}

func (l *leaderboard) top(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, 0, len(l.points))
	for who := range l.points {
		names = append(names, who)
	}
	sort.Slice(names, func(i, j int) bool {
		return l.points[names[i]] > l.points[names[j]]
	})
	return names[:min(n, len(names))]
}

func (l *leaderboard) Play(moves <-chan string) {
	for range 4 {
		go func() {
			for m := range moves {
				l.score(m, 1)
				_ = l.top(3)
			}
		}()
	}
}
