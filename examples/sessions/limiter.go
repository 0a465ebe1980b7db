package main

import (
	"sync"
	"sync/atomic"
)

// lastReset is when endAll ran last, in Unix seconds.
var lastReset atomic.Int64

// A limiter slows down password guessing. Its map is shared and properly guarded.
type limiter struct {
	mu    sync.Mutex
	fails map[string]int // guarded by mu
}

func newLimiter() *limiter { return &limiter{fails: make(map[string]int)} }

// allow reports whether user may try again.
func (l *limiter) allow(user string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fails[user] < 3
}

// note records the outcome of a try.
func (l *limiter) note(user string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		delete(l.fails, user)
		return
	}
	l.fails[user]++
}
