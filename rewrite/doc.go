/*
Package rewrite migrates one site at a time: a request for a map variable in, new
file contents or a refusal out. It touches no disk, and checks its own work.

# The promise

A rewrite never changes what the program means, never loses a comment, never
touches a token outside a site, and never turns one atomic step of the program
into two. What cannot be proved to keep this is refused, with a code, a position
and a remedy (see Docs). Everything is decided before anything is edited: a class
with one use that is not understood yields no edit at all.

# How it works

	request → class → records → merges → operations → editor → gates → edits

A class (class.go) is everything one map value can flow through, and that must
therefore change type together: variables, fields, parameters, results. It grows
as a worklist over declarations, across packages and test files.

A record (uses.go) is one classified use: m[k] read, stored, updated, ranged…

A merge (compound.go) is a compound shape, several records that are one step of
the program and become one call.

Operations (emit.go, ops.go) say what happens to which syntax node. The editor
(editor.go, decorate.go) performs them on a dst tree, where comments belong to
nodes, and carries the result back onto the original bytes (splice.go), so that a
file that is not gofmt-clean stays as it was elsewhere. The gates (gates.go,
verify.go) then compare comments and tokens, type-check the whole module in
memory, look for copied locks, and run the compiler through an overlay. A gate
that fails is our bug; it becomes the refusal internal-check, never a bad diff.

The target is a pointer whose methods accept nil, because a Go map is a reference
with a usable nil: aliases, struct copies, comparison with nil, parameters and
results keep their meaning without further ado.

# Strict classes

Whether two uses may be two steps depends on who is there to come between them.
A class is strict when detection has a finding about it (of medium confidence and
up), or sees it shared without a lock that every access holds. In a strict class
every compound operation becomes one call, or stays under its lock, or the site is
refused. In all others the existing lock stays where it is (or there is one
goroutine), and steps that were together under it still are.

A map of which detection has only findings of low confidence keeps its steps as they are,
too: nothing shows that two goroutines use it at once (an exported type, say, whose callers
are not known), all locks stay, and whatever could come between steps before still can. Only
what one statement does, or is done under one lock, has to stay one step there.

A read and a write stay one step under a lock that both hold if all changes of the map
are made under it (guard.go): one reader without the lock, which may be the whole
finding, does not make steps of what others do under it.

An element that is made, by code that may not run under a lock, where a look has not found it, may be made
twice, as before: the store looks again, and what is there first is kept (memo.go). That is so only where
nobody can tell, and nothing is ever removed.

# Locks that are left

All locks stay. With --drop-locks (droplocks.go) a lock goes whose every critical section is one
operation on one key of a map that locks itself now, among the function's own variables; where
anything else happens under it (a second map, a field, a loop, a call, a wait for the lock) it
stays, and a note names the place.

# Locks instead of types

Two forms leave the map as it is. Guard (takelock.go) takes the lock that most accesses hold where one
misses it; Mutex (newlock.go) declares a lock beside a variable, or a field, that has none, and takes it
around every use.
No class is grown for them: they change no type. They work on the statements that use the map
(a spot), decide for each function what is put under the lock together, and insert statements.

What may run under a lock (underlock.go) is known to end soon, and to take no lock; everything else
stays outside, or the site is refused. A function that the same run makes take a lock is not called
under one. What lies beside a critical section of the lock goes into it (beside.go), unless the section asks
the same question again; a lock for reading under which the map is changed is taken for writing (raise.go). A map that is fetched under its lock and only read without it is handed out as a copy
(copyout.go); a helper that some callers hold the lock for is locked around the calls of the others
(lift.go). A lock is not taken where it may be held already, and only if it is a leaf: nobody waits,
takes another lock, or calls what is not known while holding it (waits.go), and no function that takes
it can end with it held (held.go). Nor is it taken where what it belongs to may be nil (owner.go), or has
the map of another object (instances.go). What may panic, as may all that came out of the map, and writing
to it where it is nil at times (nilmaps.go), is let go of by a defer, or refused (panics.go).

# Hazards

The refusal code is in parentheses. Each has golden cases in testdata/golden, and
programs in testdata/differential that print the same before and after; a test
(hazards_test.go) says which.

Nil maps. A nil map can be read, compared and ranged over, and storing into it panics. So
it is with the nil pointer, which is nil where the map was. A row that is nil is not told
from a missing one in every form (nil-row):

	var m map[string]int; n := m["a"]     // → var m *safemap.Sharded[…]; n := m.Get("a")
	if m == nil { m["a"] = 1 }            // panics, as before

Aliases. A map is a reference, and so is the pointer: whatever may hold the same map changes
type with it, or all of it stays (foreign-map, address-taken, recursive-map):

	b := a; b["k"] = 1; use(a["k"])       // → b := a; b.Store("k", 1); use(a.Get("k"))
	s.m = lib.Defaults()                  // refused: lib may go on using it

Check-then-act. Two atomic steps are not one (two-steps):

	if _, ok := m[k]; !ok { m[k] = f() }   // → m.LoadOrCompute(k, func() V { return f() })
	if len(m) < max { m[k] = v }           // refused: no single call does this
	if !has(k) { put(k) }                  // refused: so are helpers and closures (steps.go),
	                                       // and functions that variables hold (funcvars.go)
	m[k]++; return m[k]                    // refused: two goroutines may get the same count
	inc(k); if m[k] > 3 { … }              // so is this (counts.go)

The same element. Between the uses of a shape nothing may assign its key, and its
value is not in scope where the call stands; else the uses stay two:

	cur, ok = next[cur]; delete(next, cur)   // not LoadAndDelete: another key

Read-modify-write. Load and Store would lose updates:

	m[k] += cost(r)      // → value := cost(r)
	                     //   m.Update(k, func(old int) int { return old + value })

Operands run before the map is locked, once, in source order; a callback holds
only code that cannot block, leave, or come back to the map (callback-calls):

	m[k] = next(m[k])    // next may use m: refused when m is shared

Reading early. Compilers read an element when the calls of its statement are done, and who is
given a map reads it when all arguments are there, or, with defer, later; a call reads where it
stands (read-too-early, escapes-to-call). recover works in a deferred function, not in the body of
a loop over a function (recover-in-loop):

	total := m["a"] + refresh()          // refused: refresh changes m
	fmt.Println(m[[1]any{f}], refresh()) // panics first, where the source may call refresh first
	defer fmt.Println(m)                 // refused: prints what is in it then
	defer func() { fmt.Println(m) }()    // → … m.Snapshot() …

Evaluation order. Calls on the way to the map, and a key with effects, are evaluated
before the operand, and the map is looked for after it, as the source does; a constant or comparison that takes its type
from the context is not hoisted (cannot-hoist):

	get().m[key()] += f()                     // → target := get(); key2 := key(); value := f()
	                                          //   target.m.Update(key2, …)
	m[key()] += 1 << n()                      // refused

Names. The callback's parameter, hoisted variables and the import avoid every
identifier of the file:

	old := r.URL.Path
	hits[old]++          // → hits.Update(old, func(old2 int) int { return old2 + 1 })

Types that have to be written out. Where a nearer variable hides the package, or the file
does not import it, the file gets an import; where it hides the type itself there is no
other name (cannot-spell-type):

	for _, url := range urls { links[k] = append(links[k], url) }     // func(old []*url2.URL) …
	for _, client := range list { m[k] = append(m[k], client) }       // refused: type client is hidden

Lazy rows of nested maps. The row is made and written in one step, only where the
source made it; elsewhere a missing row panics as before (StoreExisting):

	if m[a] == nil { m[a] = make(map[K]V) }
	m[a][b] = v                               // both → m.Store(a, b, v)

but when v looks at the map, or may panic, the row is made first (EnsureRow).

Empty rows. They stay, as in the source. With --prune-empty-rows they go with their last
entry, unless something counts on the row (a variable that holds it, m[a][b] = v
that does not make it):

	delete(m[a], b)                           // → m.DeletePruning(a, b)

Rows in variables. A row handle stays attached until its key is deleted, as an
inner map does; a row that was made elsewhere is refused (row-made-apart), and so
is a write through a handle where rows are deleted meanwhile (two-steps):

	row := m[a]; row[b] = v                   // → row := m.Row(a); row.Store(b, v)

The variable itself. With a pointer for a type, assigning a shared variable is
still a race. A map that is only created on demand becomes a value, whose zero
value is an empty map, unless its struct is copied, moved or overwritten as a whole (holder-copied)
or nil means something else as well. Giving it another map is then one atomic step, too, if nobody keeps the
old one and nil is not that map; any other assignment while shared is refused
(variable-replaced):

	if s.m == nil { s.m = make(map[K]V) }     // run by every handler: the block goes
	s.m = make(map[K]V)                       // → s.m.Clear()
	s.m = map[K]V{k: v}                       // → s.m.ReplaceAll(map[K]V{k: v})
	old := s.m; s.m = make(map[K]V)           // → old := s.m.Drain()
	s.m = nil                                 // refused: storing panics from then on

Keys that are unlike themselves. NaN can be ranged over, not looked up: a range has it
from a snapshot, and does not see that the map was cleared (nan-keys):

	for range samples { clear(samples) }      // refused for map[float64]int

One element at a time. A range begins with a copy of the entries, so that a loop around
one that takes its first element would take quadratic time (first-element):

	for len(m) > 0 { for k := range m { delete(m, k); break } }      // refused

Several at once. The first result of a call may go to an element, the others to variables. Two elements
(multi-assign), several results (multi-value), a received element (select-assign), a loop
variable (range-target) have no form as calls:

	m[k], err = open(k)            // → value, err2 := open(k); m.Store(k, value); err = err2
	m[a], m[b] = m[b], m[a]        // refused

Whole maps. maps.Copy into the map becomes one call that stores an entry at a time, where nobody
comes in between (two-steps):

	maps.Copy(s.m, extra)          // → safemap.Copy(s.m, extra)

Escapes. A callee outside the module gets a snapshot if it is known to only read
during the call (fmt, json.Marshal, testify), and is refused otherwise
(escapes-to-call); interfaces keep the dynamic type (any-conversion), and so do
channels (channel) and other collections (stored-elsewhere):

	fmt.Println(m)       // → fmt.Println(m.Snapshot())

The holder. A program can observe a map without naming it, through the struct
that contains it (holder-reflected, see flows.go):

	json.NewEncoder(w).Encode(s)   // s.Limits is the map

Three levels. The elements of a nested map may be maps: they lock themselves, each, and are
pointers that behave as maps do (deep.go). Fetching one and using it is one step only where nobody
removes or replaces such maps meanwhile, or under a lock (two-steps):

	m[a][b][c]++                          // → m.Get(a, b).Update(c, func(old int) int { … })

Named map types. The type becomes a struct around the pointer (named.go): still handed
around by value, still nil when zero, so that methods and signatures stay. A value that
is taken for another type, or becomes an interface value, is refused (named-type,
any-conversion):

	type Set map[string]bool         // → type Set struct { m *safemap.Sharded[string, bool] }
	s := make(Set); s["a"] = true    // → s := Set{m: safemap.NewSharded…}; s.m.Store("a", true)
	return map[string]bool(s)        // refused: a plain map that shares its entries

Handing out. Where a signature has to stay (see below), a map that the function has made,
and that nobody has any more once it is returned, leaves as a copy (handout.go); if a
field, a closure that lives on, a goroutine nobody waits for, a deferred call or the
caller has it, the refusal stays:

	func (s *store) Totals() map[string]int {     // an interface asks for Totals
		sum := make(map[string]int); s.each(func(k string) { sum[k]++ })
		return sum                            // → return sum.Snapshot()

Function literals. One that a variable names, and that is only called by that name, may
have the map as a parameter; others are refused (function-value, escapes-to-call), and so
is any on the way of a map that goroutines share, where steps would have to be followed:

	look := func(m map[string]int) { m["seen"]++ }   // → func(m *safemap.Sharded[string, int])
	look(s.in)
	run(look)                                        // refused: others have look, too

Signatures. A function's type may change only if every call is seen
(function-value), it is not generic (generic-function), no interface has a method
like it (interface-method), and no other module can call it (exported-api). With
--allow-api-change other modules at hand still count: those of the go.work and those in
folders inside this one (crosses-modules).

Files nobody loaded. Other build configurations (other-build), packages with type
errors (broken-package), generated files (generated), cgo (cgo-file).

Loops. A range yields a key once, and none that was deleted before it was reached. Ranges
over functions support break, continue, goto, return, labels and defer as loops do:

	for k := range m { if old(k) { delete(m, k); continue outer } }  // → range m.Keys() …

Deferred calls. Deferred and go statements evaluate the map and the key at once, and so
do calls:

	defer delete(m, next())               // → defer m.Delete(next())

Panics. What panics leaves what it left: no entry where the right side panics, no lock
held, and a key that cannot be hashed panics where it did:

	m[k] = parse(s)                       // → m.Store(k, parse(s)): nothing is stored

Literals. Elements stay as they are written, comments and elided types included; the
constructor copies them (row-made-apart where a row is not new):

	var m = map[string]point{"a": {1, 2}} // → safemap.ShardedOf(map[string]point{"a": {1, 2}})

Elements that hold more. A call gives a copy, as m[k] does; what a pointer points to is
as shared as before. An element has no address, and its length may be a constant
(address-taken, unknown-use):

	m[k].n++                              // pointer elements: → m.Get(k).n++

# Order of initialisation

Packages are initialised in the order of their import paths, each when all that it imports are
(the Go specification, "Program initialization"). A package that now imports the runtime may come
after one that it came before. Where both come to a function of a third package then, a note of the
plan says so (initorder.go):

	func init() { drivers.Register("alpha") }   // may be called after that of package beta

# What is left undone

Steps are not followed through function values in fields of structs that are made elsewhere, in a
package's literals, or through interfaces. Two reads of one element are two reads, as in the source.
Generic named map types, named rows, maps of four levels, generic functions over maps, values sent on
channels or kept in other collections, and nested maps for the strategies syncmap and provider are refused.
A loop's body becomes a function, which runtime.Caller can see. Where the language leaves open whether a
variable in a key is read before or after a call in the same statement, m[i] + next() with a package's
i, calls may decide otherwise than a compiler did.
*/
package rewrite
