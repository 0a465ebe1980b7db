// Correct shape: elements are structs stored by value, changed by read, modify and store inside one critical section (scoreboards)
package elements

import "sync"

type score struct{ won, lost int }

type scoreBoard struct {
	mu     sync.Mutex
	scores map[string]score
}

func (b *scoreBoard) result(winner, loser string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.scores[winner]
	w.won++
	b.scores[winner] = w
	l := b.scores[loser]
	l.lost++
	b.scores[loser] = l
}

func (b *scoreBoard) of(name string) score {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.scores[name]
}

func (b *scoreBoard) ratio(name string) float64 {
	s := b.of(name)
	s.lost++
	return float64(s.won) / float64(s.lost)
}

func (b *scoreBoard) Play(games <-chan [2]string) {
	for range 4 {
		go func() {
			for g := range games {
				b.result(g[0], g[1])
				_ = b.ratio(g[0])
			}
		}()
	}
}
