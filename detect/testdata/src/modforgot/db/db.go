// Package db is safe for concurrent use, nearly.
package db

import (
	"sync"

	"cases/modforgot/table"
)

// A DB is a store.
type DB struct {
	mu  sync.RWMutex
	idx *table.Index
	end int64
}

// Open returns an empty store.
func Open() *DB { return &DB{idx: table.NewIndex()} }

// Put appends a value.
func (d *DB) Put(k string, v []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idx.Set(k, d.end)
	d.end += int64(len(v))
}

// Delete removes a key.
func (d *DB) Delete(k string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idx.Unset(k)
}

// Offset finds a value.
func (d *DB) Offset(k string) (int64, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.idx.Lookup(k)
}

// Stats describes the store.
func (d *DB) Stats() int { return d.idx.Count() }
