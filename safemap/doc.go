// SPDX-License-Identifier: MIT-0

// Package safemap holds typed concurrent maps that take the place of Go maps shared by goroutines.
//
// A package that mapmigrate has written into a module holds only the files of the types in use:
//
//	Sharded      mutex-striped map: the general choice
//	SyncMap      typed sync.Map: keys written once and read often
//	Locked       one lock and one map: consistent whole-map operations, small when empty
//	Nested       map of maps, sharded by outer key, with whole-row operations
//	MapProvider  what Sharded, SyncMap and Locked have in common
//	Handle       nil-safe handle around a MapProvider that can be switched to another one
//	Mirror       two MapProviders, for trying one on a share of the keys before it takes over
//
// # Nil and zero
//
// The types are used through pointers, and a nil pointer behaves as a nil map does: it reads as
// empty, Delete and Clear do nothing, Snapshot is nil, storing panics with the language's own
// "assignment to entry in nil map". The zero value of every type but Row is ready for use, without
// a race on its first use; until the first operation that may store it prints and encodes as a nil
// map. Values must not be copied after first use; go vet reports it.
//
// # Guarantees
//
//	one key                   linearizable in every type
//	one row of a Nested       every operation on it is one atomic step, through a Row too
//	Clear, Drain, ReplaceAll  one atomic step on Locked, Sharded and Nested (all shard locks, in
//	                          order); Drain and ReplaceAll exist on Locked and Sharded only
//	Len, Snapshot             of one instant on Locked, on a Row and on a Nested made by
//	                          NewNestedLocked; elsewhere weakly consistent: shard by shard, each
//	                          shard exact at its own instant
//	All, Keys, Values         begin with the keys that Snapshot would give, and follow these rules
//
// All, Keys and Values call the loop body with no lock held, so it may use the map freely. They
// yield each key at most once, every key that stayed for the whole loop, and none that was deleted
// before the loop reached it: presence is checked, and the current value read, just before each
// step. Keys that do not equal themselves (NaN) cannot be looked up, and come as they were. A loop
// begins anywhere, as over a Go map; only those over a SyncMap come in an order that stays.
//
// Callbacks of Update, Compute, LoadOrCompute, Do and DoRow run under a lock. They must not use the
// same map, or they deadlock. A callback that panics leaves the map unlocked and unchanged (Do and
// DoRow: with the changes it made itself). On SyncMap no lock is held, and a callback may run more
// than once.
//
// A key whose dynamic type is not hashable panics as in a plain map and leaves no lock held. NaN
// keys behave as in a plain map: never found, always added.
//
// # Printing and encoding
//
// fmt verbs and encoding/json give for a pointer to these types what they give for the plain map
// with the same content; a nil pointer is null and map[]. Decoding adds to the content as it does
// to a plain map; but encoding/json stops at the first error that a type's UnmarshalJSON returns,
// and its Decoder's options do not reach the entries.
package safemap
