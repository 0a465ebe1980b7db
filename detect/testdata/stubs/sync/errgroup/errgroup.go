// Package errgroup stands for the library of that name: the cases need its names, not its
// features.
package errgroup

import (
	"context"
	"sync"
)

// A Group runs functions in goroutines and waits for them.
type Group struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

// WithContext returns a group; this one never cancels.
func WithContext(ctx context.Context) (*Group, context.Context) { return &Group{}, ctx }

// Go starts f.
func (g *Group) Go(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		if err := f(); err != nil {
			g.once.Do(func() { g.err = err })
		}
	}()
}

// Wait waits for all functions and returns their first error.
func (g *Group) Wait() error {
	g.wg.Wait()
	return g.err
}
