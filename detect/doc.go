// Package detect finds the maps that goroutines share without a consistent guard.
//
// It works in two steps. Summarise visits each package's SSA and writes down, per function
// and relative to its parameters, what it does to maps, with which locks held, on objects
// that are or are not known to others, whom it calls, and what it starts (Summary). Link
// joins the summaries: it resolves calls, finds the contexts that run code, walks from each
// access up to them, and judges each map by what the walks found. Only the first step needs
// syntax; its result is the one package fact of Analyzer, so that `mapmigrate plan` and
// `go vet -vettool` run the same code. The model is RacerD's: compositional summaries, a
// lock domain, ownership, and no report without a concurrency signal.
//
// With a Cache both steps are redone only where something has changed. A summary is kept
// under the hash of its package's files and of what that imports; verdicts are kept with
// prints of all that was read for them, in terms of functions, so that moving a function
// changes nothing (memo.go, place.go).
//
// # Rules
//
// They are cited by number where they are implemented.
//
// Knowledge.
//
//	K1  A lock is what has Lock and Unlock without parameters, whatever its name. A method that
//	    nets out to locking or unlocking something is as good as doing it on the spot.
//	K2  Library functions that run their function arguments in a goroutine, in many, at once
//	    or once are listed in knowledge.go. An unknown one may do any of it: its callbacks
//	    never make a finding high.
//	K3  Formatting, encoding and maps.* functions read the maps they are given; other library
//	    functions let them escape.
//	K6  An iterator over a map reads it where it is used. A decoder writes, and an encoder or a
//	    template reads, the exported maps of the struct it is given.
//	K4  A channel of struct{} and of capacity one into which a function puts a token and out of which it takes one
//	    again is a lock.
//	K5  A library function whose name says that it calls back (Subscribe, AddHandler, OnX…) runs
//	    its function argument in a goroutine of its own; going by a name, findings stay medium.
//
// Locks.
//
//	L1  A lock counts when it is held on every way to the access (must); held on some (may)
//	    keeps an access silent but is no evidence that it is guarded.
//	L2  A deferred unlock happens at return, in the order of the defers.
//	L3  Locks of callers count, unless the callee may have given them back. An access is
//	    guarded when it is in all ways of reaching it.
//	L4  A go statement clears the locks.
//	L5  A lock of evidently another object of the holder's type guards nothing.
//	L6  A lock that cannot be named might be any, and so might what a variable of interface
//	    type holds (a sync.Locker): beside another guard the access stays silent.
//	L8  A lock in a copy of a struct (a value receiver, c := *p) is a lock of its own, while the
//	    copy's maps are the original's.
//	L9  A lock that is an element of a collection (one per key) guards no map beside the
//	    collection: another key has another lock. A row of a nested map may have its own.
//	L7  A lock given back in the body of a loop over a map is not held at the next step.
//
// Ownership and order.
//
//	O1  An object allocated in a function is owned until it is stored where others can see it,
//	    sent, captured by a goroutine, or kept by a callee. Accesses of owned objects, also in
//	    callees and through results, cannot race.
//	    A goroutine that is given an element does not get at the collection it came from, and
//	    what a turn of a loop makes is another object than what the turn before has made.
//	    What is returned beside an error, for certain one, is not a result.
//	O2  Accesses by init, by main before its first goroutine, and in sync.Once are ordered.
//	O3  After WaitGroup.Wait, errgroup.Wait, or a receive from a channel that the goroutine
//	    signals on, here or in a callee, what was shared with the goroutine is owned again.
//	    So it is for the channel or WaitGroup of an object: what comes after <-s.done does not
//	    overlap with the goroutine that closes s.done at its end; and for an atomic flag that
//	    a goroutine sets at its end, where it was found set. Goroutines that a function
//	    starts after it has joined others do not overlap with those.
//	O4  What a function does before its go statement does not overlap with that goroutine.
//	O5  An alias whose variable is given another map in the same critical section is owned; so
//	    is an element that was deleted from its map. Filling a map that the same section has
//	    just put into the variable changes nothing that others have got hold of.
//	O6  A map or pointer put into an object made here (a struct literal, a clone, a slice
//	    collected in a loop, a struct copied whole) is still the one it was: the object is
//	    owned, what it refers to is not.
//
// Contexts.
//
//	C1  main and init; init overlaps with nothing.
//	C2  A go statement, and a spawner's argument; in a loop it overlaps with itself.
//	C3  HTTP handlers, known by their signature, functions put into fields of library structs
//	    such as tls.Config.GetCertificate, and registered RPC services overlap with themselves.
//	    What a handler gets as an argument belongs to one request.
//	C4  Exported API without callers in the module: callers may be concurrent (weak).
//	C5  Function values nobody is seen to call, and arguments of unknown functions: weak.
//	C6  Unexported functions without callers, whose value goes nowhere, run nowhere.
//	C7  Methods that implement a contract which demands it (context.Context,
//	    http.RoundTripper, slog.Handler…) overlap with themselves.
//	C8  What only tests run says nothing about the program: _test.go files; and, about other
//	    packages than its own, a file that imports testing and is named after that, or whose
//	    package is (a package test with helpers that start servers).
//	C9  A call through an interface reaches the types that are put into interfaces somewhere. One
//	    that has the methods, but is only used as itself, is not meant.
//
// Identity.
//
//	I1  Two accesses are of one map for certain if it is a package variable, or the goroutine
//	    was started on the very object that the other access reaches. Otherwise the same field
//	    of the same type may still belong to different objects; then only a guard tells.
//	    A constructor that starts a goroutine on what it returns counts as its caller.
//	I2  Parts embedded in objects of different types, each access under its owner's lock, are
//	    different parts.
//	I4  What an atomic.Pointer, an atomic.Value or a sync.Map holds, and the value that a context
//	    has under a key, is reached through it. What is put there is known to others.
//	I5  A map in an interface, an atomic value or a sync.Map, got out by an assertion or a load,
//	    belongs to the variable that holds the value. Others may be kept there, too, so that
//	    findings stay medium. So do those of values of a context: a derived one may have a
//	    value of its own under the same key.
//	I3  Goroutines started in a loop share what they were all given; each has its own element
//	    of what the loop ranges over, and what is made in the loop.
//
// Verdicts.
//
//	G1  The guard is the lock that most not-owned accesses hold. One that is declared neither in
//	    the map's package nor around the map must be held at half of them.
//	G2  A finding needs two accesses that can overlap, one of which changes the map, without a
//	    lock in common.
//	G3  It is high when the guard is held at 80 % or more of at least 5 accesses; when two
//	    goroutines evidently reach one map; when a map is taken out under its guard and used
//	    after it; or when a goroutine lacks the holder's own lock, held at 60 % of at least 4
//	    accesses, or at half of 10.
//	G4  A map returned under its guard by an exported function, or sent through a channel,
//	    escapes; also one that is returned while goroutines fill it under a lock of their own.
//	G5  Construction (of the object that the function made or is the method of) and shutdown,
//	    calls through interfaces with many implementations, and callbacks are never high.
//	    Exported methods of what was given a callback are low where others who come to
//	    the same access hold the guard.
//	G6  Without a concurrency signal nothing is above low; a guard is a signal.
//
// Steps and elements.
//
//	A1  A change of a map that depends on a lookup of the same key in an earlier critical section
//	    of the same lock, here or in a helper, and that does not look again, is check-then-act:
//	    medium when something is lost (a second object, an update, an addition), low when the
//	    step could be repeated.
//	E1  The struct that an element points to, if it has no lock of its own, is an element race
//	    when a field of it is used without a lock while another goroutine changes it.
//
// Directives.
//
//	D1  //mapmigrate:ignore REASON on the declaration of a map, or of a var block, keeps all its
//	    findings from being reported. Without a reason it has no effect.
//	D2  On an access (at the end of its line, or alone above the statement) it leaves the
//	    access out of judgement: it conflicts with nothing, and counts neither for nor
//	    against a guard. Bodies of blocks and function literals are not part of a statement.
//	D3  A directive that hides nothing is a Problem. Where only part of the module is in view
//	    (go vet) that is not certain, and Problem.Partial says so.
//	D4  //mapmigrate:guardedby LOCK on a declaration, or gVisor's "+checklocks:LOCK", asserts
//	    the guard, and is a concurrency signal. Each access that can run without the lock
//	    (writes: without it or under a read lock) is a finding, provided something changes the
//	    map while it is shared: high where two accesses evidently overlap, medium where only the
//	    assertion says so, low on the way of construction. If none does, the map is guarded.
//	D5  LOCK is a field of the same struct, or a path of fields from there (parent.mu; a
//	    method's receiver name may lead); else a variable in scope, or a path from one. A lock
//	    counts when that field is held; of which object is known only for the map's own
//	    holder (rule L5): another parent's lock is not told from the right one.
//	D6  A sentence at the declaration, "guarded by mu", asserts nothing. It decides between
//	    locks that are held equally often.
//
// # Limits
//
// Only the maps of variables, fields and captured locals are followed; maps
// reached by reflection or unsafe are not. Aliases between objects are followed through
// parameters, results, struct copies and closures, not through arbitrary heap structures.
package detect
