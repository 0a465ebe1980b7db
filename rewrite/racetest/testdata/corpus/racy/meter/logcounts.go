package meter

import (
	"io"
	"sync"
)

// Imitates log writers that count what goes through them.

// A CountingWriter counts lines by level.
type CountingWriter struct {
	w      io.Writer
	once   sync.Once
	levels map[byte]int // racy
}

// NewCountingWriter counts what is written to w.
func NewCountingWriter(w io.Writer) *CountingWriter {
	return &CountingWriter{w: w, levels: map[byte]int{}}
}

// Write implements io.Writer.
func (c *CountingWriter) Write(p []byte) (int, error) {
	if len(p) > 0 {
		c.levels[p[0]]++
	}
	return c.w.Write(p)
}

// Tee copies lines from many sources at once.
func (c *CountingWriter) Tee(sources ...[]byte) {
	var wg sync.WaitGroup
	for _, s := range sources {
		wg.Go(func() { c.Write(s) })
	}
	wg.Wait()
}
