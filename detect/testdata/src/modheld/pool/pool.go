// Correct shape: exported helpers of one package are only called from another, which holds its own lock at every call (storage engines)
package pool

// Frames is a table of page frames. It is not safe for concurrent use.
type Frames struct {
	byPage map[uint64][]byte
	order  []uint64
}

// NewFrames returns an empty table.
func NewFrames() *Frames { return &Frames{byPage: make(map[uint64][]byte)} }

// Get returns the frame of a page.
func (f *Frames) Get(page uint64) []byte { return f.byPage[page] }

// Put stores a frame.
func (f *Frames) Put(page uint64, b []byte) {
	if _, ok := f.byPage[page]; !ok {
		f.order = append(f.order, page)
	}
	f.byPage[page] = b
}

// Evict drops the oldest frame.
func (f *Frames) Evict() {
	delete(f.byPage, f.order[0])
	f.order = f.order[1:]
}
