// Racy shape: a logger for tests counts what it is given by the code under test, whose goroutines log while the test adds expectations (grpc's tLogger)
package spytest

import "testing"

// Spy fails a test on lines that it does not expect.
type Spy struct {
	t        testing.TB
	expected map[string]int
}

func NewSpy(t testing.TB) *Spy { return &Spy{t: t, expected: map[string]int{}} }

// Expect expects a line once more.
func (s *Spy) Expect(line string) {
	s.expected[line]++ // want `medium unguarded: update of Spy.expected without a lock` // want-tests `medium unguarded: update of Spy.expected`
}

// Follow reads lines until they end.
func (s *Spy) Follow(lines <-chan string) {
	go func() {
		for line := range lines {
			if s.expected[line] == 0 {
				s.t.Error(line)
			}
			s.expected[line]--
		}
	}()
}
