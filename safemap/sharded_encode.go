// SPDX-License-Identifier: MIT-0

package safemap

import "fmt"

// MarshalJSON encodes a snapshot.
func (m *Sharded[K, V]) MarshalJSON() ([]byte, error) { return marshalMap(m.Snapshot()) }

// UnmarshalJSON adds the decoded entries, one by one; null resets m to its zero value.
func (m *Sharded[K, V]) UnmarshalJSON(data []byte) error {
	in, err := unmarshalMap[K, V](data)
	switch {
	case m != nil && in != nil:
		m.ready()
	case m != nil && err == nil:
		if t := m.table.Swap(nil); t != nil {
			t.swap(make([]map[K]V, len(t.shards)))
		}
	}
	for k, v := range in {
		m.Store(k, v)
	}
	return err
}

// Format prints a snapshot, as fmt prints a map.
func (m *Sharded[K, V]) Format(state fmt.State, verb rune) { formatMap(state, verb, m.Snapshot()) }

// String returns what fmt.Sprint gives for a snapshot.
func (m *Sharded[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }
