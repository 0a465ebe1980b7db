package shapes

import (
	"slices"
	"sync"
)

// A Board keeps its order and its map in step under one lock.
type Board struct {
	mu    sync.Mutex
	order []string
	score map[string]int
}

// NewBoard is empty.
func NewBoard() *Board { return &Board{score: map[string]int{}} }

// Score adds points.
func (b *Board) Score(who string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.score[who]; !ok {
		b.order = append(b.order, who)
	}
	b.score[who] += n
	slices.Sort(b.order)
}

// First returns the first name.
func (b *Board) First() (string, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) == 0 {
		return "", 0
	}
	return b.order[0], b.score[b.order[0]]
}

// Play scores from goroutines.
func (b *Board) Play(names []string) {
	for _, n := range names {
		go b.Score(n, 1)
	}
}
