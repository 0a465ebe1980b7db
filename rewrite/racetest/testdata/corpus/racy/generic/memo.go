package generic

import "sync"

// Imitates memoising helpers.

// A Memo remembers results.
type Memo[K comparable, V any] struct {
	f       func(K) V
	results map[K]V // racy
}

// NewMemo remembers results of f.
func NewMemo[K comparable, V any](f func(K) V) *Memo[K, V] {
	return &Memo[K, V]{f: f, results: map[K]V{}}
}

// Get computes a result, once.
func (m *Memo[K, V]) Get(k K) V {
	if v, ok := m.results[k]; ok {
		return v
	}
	v := m.f(k)
	m.results[k] = v
	return v
}

// Warm computes results at the same time.
func (m *Memo[K, V]) Warm(keys []K) {
	var wg sync.WaitGroup
	for _, k := range keys {
		wg.Go(func() { m.Get(k) })
	}
	wg.Wait()
}
