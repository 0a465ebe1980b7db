// Racy shape: helpers of one package count on the lock of the other, one of its methods calls them without it (storage engines)
package table

// Index maps keys to offsets. Its users lock.
type Index struct{ offs map[string]int64 }

// NewIndex returns an empty index.
func NewIndex() *Index { return &Index{offs: make(map[string]int64)} }

// Lookup returns an offset.
func (x *Index) Lookup(k string) (int64, bool) {
	o, ok := x.offs[k]
	return o, ok
}

// Set stores an offset.
func (x *Index) Set(k string, off int64) { x.offs[k] = off }

// Unset removes a key.
func (x *Index) Unset(k string) { delete(x.offs, k) }

// Count returns the number of keys.
func (x *Index) Count() int {
	return len(x.offs) // want `(medium|high) partial: len of Index.offs without DB.mu in \(\*Index\).Count.*, which 3 of 4 accesses hold; `
}
