// Package engine guards the frames of package pool.
package engine

import (
	"sync"

	"cases/modheld/pool"
)

// Engine is safe for concurrent use.
type Engine struct {
	mu     sync.Mutex
	frames *pool.Frames
	load   func(uint64) []byte
}

// New returns an engine.
func New(load func(uint64) []byte) *Engine {
	return &Engine{frames: pool.NewFrames(), load: load}
}

// Read returns a page.
func (e *Engine) Read(page uint64) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.frames.Get(page); b != nil {
		return b
	}
	b := e.load(page)
	e.frames.Put(page, b)
	return b
}

// Trim evicts a page.
func (e *Engine) Trim() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frames.Evict()
}

// Prefetch reads pages beside its caller.
func (e *Engine) Prefetch(pages []uint64) {
	for _, p := range pages {
		go e.Read(p)
	}
}
