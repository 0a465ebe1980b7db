// SPDX-License-Identifier: MIT-0

package safemap

import "iter"

// NestedProvider is MapProvider for two levels: what *Nested does, whichever locks it has inside.
// Every method on one row is one atomic step. A nil interface has no methods to call.
type NestedProvider[K1, K2 comparable, V any] interface {
	Load(a K1, b K2) (V, bool)
	Get(a K1, b K2) V
	Store(a K1, b K2, value V)
	StoreExisting(a K1, b K2, value V)
	Delete(a K1, b K2)
	DeletePruning(a K1, b K2)
	LoadOrStore(a K1, b K2, value V) (actual V, loaded bool)
	LoadOrCompute(a K1, b K2, f func() V) (actual V, loaded bool)
	LoadAndDelete(a K1, b K2) (value V, loaded bool)
	Update(a K1, b K2, f func(old V) V) V
	UpdateExisting(a K1, b K2, f func(old V) V) V
	Compute(a K1, b K2, f func(old V, loaded bool) (V, Op)) (V, bool)

	Row(a K1) *Row[K2, V]
	LoadRow(a K1) (row *Row[K2, V], ok bool)
	EnsureRow(a K1) (created bool)
	LoadOrCreateRow(a K1) (row *Row[K2, V], loaded bool)
	CreateRow(a K1) *Row[K2, V]
	StoreRow(a K1, row map[K2]V)
	DeleteRow(a K1)
	DeleteRowIfEmpty(a K1) (deleted bool)
	RowLen(a K1) int
	RowSnapshot(a K1) map[K2]V
	RowAll(a K1) iter.Seq2[K2, V]
	RowKeys(a K1) iter.Seq[K2]
	RowValues(a K1) iter.Seq[V]
	DoRow(a K1, f func(row map[K2]V))

	Len() int
	Clear()
	All() iter.Seq2[K1, *Row[K2, V]]
	Keys() iter.Seq[K1]
	Rows() iter.Seq[*Row[K2, V]]
	Snapshot() map[K1]map[K2]V
}

// NewNestedProvider returns an empty Nested with room for about sizeHint rows.
func NewNestedProvider[K1, K2 comparable, V any](sizeHint ...int) NestedProvider[K1, K2, V] {
	return NewNested[K1, K2, V](sizeHint...)
}

// NestedProviderOf returns a Nested with copies of the rows of from. For a nil map it is a nil
// *Nested: an interface that can be called, and behaves as a nil map.
func NestedProviderOf[K1, K2 comparable, V any](from map[K1]map[K2]V) NestedProvider[K1, K2, V] {
	return NestedOf(from)
}
