// SPDX-License-Identifier: MIT-0

package safemap

import "iter"

// MapProvider is what *Sharded, *SyncMap, *Locked and *Handle have in common. All methods may be
// called by several goroutines at once; each one-key method is linearizable.
//
// A nil interface has no methods to call: unlike a nil map it cannot be read. Where nil maps are
// read, use a Handle.
type MapProvider[K comparable, V any] interface {
	Load(key K) (V, bool)
	Get(key K) V
	Store(key K, value V)
	Delete(key K)
	LoadOrStore(key K, value V) (actual V, loaded bool)
	LoadOrCompute(key K, f func() V) (actual V, loaded bool)
	LoadAndDelete(key K) (value V, loaded bool)
	Swap(key K, value V) (previous V, loaded bool)
	Update(key K, f func(old V) V) V
	Compute(key K, f func(old V, loaded bool) (V, Op)) (V, bool)
	Len() int
	Clear()
	All() iter.Seq2[K, V]
	Keys() iter.Seq[K]
	Values() iter.Seq[V]
	Snapshot() map[K]V
}

// NewProvider returns an empty Sharded with room for about sizeHint entries.
func NewProvider[K comparable, V any](sizeHint ...int) MapProvider[K, V] {
	return NewSharded[K, V](sizeHint...)
}

// ProviderOf returns a Sharded with the entries of from. For a nil map it is a nil *Sharded: an
// interface that is not nil itself and behaves as a nil map does.
func ProviderOf[K comparable, V any](from map[K]V) MapProvider[K, V] {
	return ShardedOf(from)
}

// CompareAndSwap sets the value under key to new if there is one and it equals old, and reports
// whether it did, in one atomic step. It panics if V is an interface type and the values compared
// are of the same type that is not comparable.
func CompareAndSwap[K, V comparable](m MapProvider[K, V], key K, old, new V) (swapped bool) {
	m.Compute(key, func(value V, loaded bool) (V, Op) {
		swapped = loaded && value == old
		if swapped {
			return new, Put
		}
		return value, Keep
	})
	return swapped
}

// CompareAndDelete removes key if there is a value under it that equals old, and reports whether it
// did, in one atomic step. It panics as CompareAndSwap does.
func CompareAndDelete[K, V comparable](m MapProvider[K, V], key K, old V) (deleted bool) {
	m.Compute(key, func(value V, loaded bool) (V, Op) {
		deleted = loaded && value == old
		if deleted {
			return value, Remove
		}
		return value, Keep
	})
	return deleted
}

// Copy stores the entries of src in m, one after the other: each is one atomic step, all together
// are not. A nil src has none.
func Copy[K comparable, V any](m MapProvider[K, V], src map[K]V) {
	for key, value := range src {
		m.Store(key, value)
	}
}
