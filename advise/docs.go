// This file documents the refusal codes of this package.

package advise

// A Doc explains one refusal code.
type Doc struct {
	Code, Class, Title, Text string
}

// Docs returns the documentation of every code that Choose refuses with, sorted by code.
func Docs() []Doc {
	const class = "unhelpful"
	return []Doc{
		{"already-guarded", class, "the map has a lock and every access holds it",
			`Every access that can race holds the same lock, so there is no bug to cure.
A concurrent map can still be worth it when the lock is contended, but nothing
in the source shows that.

Name a strategy (--strategy=sharded) or use --scope=all to swap the map anyway.`},
		{"boundary-copy", class, "the map leaves the lock's protection",
			`A map is a reference: returning or storing it under a lock hands out the map
itself, and the receiver uses it without the lock.

	func (s *Store) All() map[string]int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.m            // the caller ranges over s.m, unlocked
	}

Hand out a copy instead: return maps.Clone(s.m). A concurrent map would stop the
race, but the caller would see a map that changes under its hands. Name a
strategy to swap it anyway.`},
		{"element-race", class, "the race is on what the map holds",
			`Two goroutines get the same element from the map and change its fields. No form
of map can guard what is behind a pointer.

	s.m[id].Count++           // m may be safe; Count is not

Give the element a lock of its own, use atomic fields, or store a new element
instead of changing the old one.`},
		{"lock-spans-fields", class, "one lock keeps several maps in step",
			`The guard of this map also guards others, so that they change together. If one
of them becomes a concurrent map, each is safe by itself, but a reader can see
one changed and the other not yet.

Extend the lock to the access that misses it. Name a strategy if the maps need
not agree.`},
		{"nothing-shared", class, "no two goroutines use the map at once",
			`Detection found no two accesses that can overlap with one of them writing: the
map stays in one goroutine, or is filled before others start and then only read.
A concurrent map would cost time and memory and cure nothing.

Name a strategy or use --scope=all to swap it anyway.`},
		{"take-lock", class, "the map has a lock that this access misses",
			`Most accesses hold a lock; one does not, holds another one, writes while it holds
the lock for reading only, or lets go of it between two steps that belong
together. In more than half of the real bugs we looked at, the fix was to take
that lock.

	func (r *Registry) Observe(name string) {
		r.counters[name]++    // everyone else holds r.mu
	}

Where it is safe, mapmigrate writes that itself (the form guard). Here it is not, and
the remedy says why, and names the lock and the place. A concurrent map would silence
the race, but leave two kinds of guarding side by side. Name a strategy
(--strategy=sharded) to swap the map anyway.`},
	}
}
