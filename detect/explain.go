// This file explains the categories in words, for `mapmigrate explain CODE`.

package detect

// A Doc explains one category.
type Doc struct {
	Code, Title string
	Text        string
}

// Docs lists the categories, loud ones first.
func Docs() []Doc { return docs }

var docs = []Doc{
	{"unguarded", "goroutines share the map and no lock guards it", `Two goroutines can reach accesses of this map at the same time, at least one of them
changes it, and neither holds a lock. The Go runtime may stop the program with
"fatal error: concurrent map writes"; a recover cannot catch that.

	var sessions = map[string]*Session{}

	func handle(w http.ResponseWriter, r *http.Request) {
		sessions[r.FormValue("id")] = newSession(r) // one goroutine per request
	}

What to do: migrate the map (mapmigrate plan), or take a lock around every access.
`},
	{"partial", "most accesses hold the guard, one forgets it", `A lock guards this map nearly everywhere. The access that is reported does not hold it,
neither itself nor through any caller on the path shown.

	func (r *Registry) Inc(k string)  { r.mu.Lock(); r.n[k]++; r.mu.Unlock() }
	func (r *Registry) Size() int     { return len(r.n) } // without r.mu

What to do: take the lock that the other accesses take. Exchanging the map's type would hide
the race on the map but break what else the lock keeps together.
`},
	{"wrong-lock", "a lock is held, but not the one that guards the map", `The access holds some lock, so it looks guarded; the other accesses hold another one. Two
different locks do not exclude each other. Common forms: a mutex local to the function, a second
mutex of the same struct, the lock of another object.

	func (c *Cache) Drop(k string) { c.statsMu.Lock(); delete(c.items, k); c.statsMu.Unlock() }

What to do: take the guard named in the message, instead or as well.
`},
	{"read-lock-write", "the map is changed under a read lock", `RLock lets other readers in. A write under it races with them, and with a second writer
under RLock.

	func (c *Cache) Get(k string) *Item {
		c.mu.RLock()
		defer c.mu.RUnlock()
		if c.items[k] == nil {
			c.items[k] = new(Item) // a getter that writes
		}
		return c.items[k]
	}

What to do: take the write lock, or look up under RLock and insert under Lock, checking again.
`},
	{"escape", "the map leaves the critical section and is used outside", `A map is a reference. Copying the variable under the lock, returning it, or copying the
struct around it does not copy the map.

	s.mu.Lock()
	conns := s.conns
	s.mu.Unlock()
	for c := range conns { … } // others insert meanwhile

What to do: copy it under the lock (maps.Clone), or keep the lock. Taking the map over, by giving the
variable a new map under the same lock, is correct and is not reported.
`},
	{"iteration", "the map is ranged over while others change it", `All writers hold the guard, the loop does not. The lock has to be held from the first step
of the loop to the last, not only where the loop begins.

	for _, c := range s.consumers { … } // without s.mu

What to do: hold the lock during the loop, or range over a copy made under it.
`},
	{"inner", "a row of a nested map is used without the guard", `Guarding the outer map does not guard its rows: m[a] is a map of its own, and who has got it
under the lock can still use it after.

	s.mu.Lock()
	room := s.rooms[name]
	s.mu.Unlock()
	room[user] = true

What to do: keep the lock while the row is used, or migrate to a nested concurrent map.
`},
	{"replaced", "the variable itself is assigned while others use it", `Not the content but the variable changes: s.m = make(…) in one goroutine, a read of s.m in
another. A reader may see the old map for ever, and the race detector reports it.

What to do: assign under the guard, or keep the map in an atomic.Pointer and never change it in place.
`},
	{"check-then-act", "each step is guarded, the decision is not", `Between the look-up under the lock and the insertion under the lock, the lock was free. Both
goroutines find the key missing, and one result is lost.

What to do: do both under one lock, or use LoadOrStore.
`},
	{"element", "the map is guarded, what it holds is not", `The values are pointers or structs that are used after the lock was released. No change of
the map can cure that: the values need a guard of their own.
`},
	{"leak", "rows are only ever added", `The outer keys of this nested map are never deleted, so it only grows.
`},
	{"guarded", "every access holds the guard", `Inventory: nothing to do. Listed so that --scope=all can offer a migration.
`},
	{"confined", "no two goroutines use it at once", `Inventory: the map is used by one goroutine, is complete before it is shared, or is never
changed.
`},
	{"nested", "a map of maps", `Inventory: the rows are maps of their own and need to be thought of when the map is migrated.
`},
}
