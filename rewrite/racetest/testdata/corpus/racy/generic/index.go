package generic

import (
	"cmp"
	"sync"
)

// Imitates inverted indexes over ordered keys, with rows.

// An Index maps terms to documents.
type Index[D cmp.Ordered] struct {
	mu    sync.RWMutex
	terms map[string]map[D]int // racy
}

// NewIndex returns an empty index.
func NewIndex[D cmp.Ordered]() *Index[D] { return &Index[D]{terms: map[string]map[D]int{}} }

// Add counts a term of a document.
func (x *Index[D]) Add(term string, doc D) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.terms[term] == nil {
		x.terms[term] = map[D]int{}
	}
	x.terms[term][doc]++
}

// Docs counts documents with a term.
func (x *Index[D]) Docs(term string) int { return len(x.terms[term]) }
