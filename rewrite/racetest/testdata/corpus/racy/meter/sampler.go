package meter

import (
	"strings"
	"time"
)

// Imitates samplers that reset their table with a timer.

// A Sampler lets a message through once in a while.
type Sampler struct {
	seen  map[string]int // racy
	every int
}

// NewSampler lets through one in every.
func NewSampler(every int) *Sampler { return &Sampler{seen: map[string]int{}, every: every} }

// Start forgets what was seen, once, later.
func (s *Sampler) Start(after time.Duration) *time.Timer {
	return time.AfterFunc(after, s.forget)
}

func (s *Sampler) forget() { clear(s.seen) }

// Check says whether to log.
func (s *Sampler) Check(msg string) bool {
	msg = strings.ToLower(msg)
	s.seen[msg]++
	return s.seen[msg]%s.every == 1
}
