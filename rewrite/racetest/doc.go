// Package racetest writes, runs and judges the test that proves a finding: one
// file per site that fails on the original code and passes on the migrated code.
//
// # Levels
//
// Any map that two goroutines use without a lock fails under the race detector,
// so a test that drives a map alone proves nothing about the program. Two levels
// keep that apart:
//
//   - program: the test calls the program's own functions, the two sides of the
//     finding's conflicting pair, on one shared receiver. It failed before and
//     passed after: the finding was true, and the migration cured it.
//   - map: the test performs the program's operations on the map directly. It
//     checks the target type, and is reported apart. Test.Reason says why the
//     program could not be called.
//
// A map with only quiet findings has no race to show and gets a behaviour test:
// one goroutine, passes before and after.
//
// # From an access to a call
//
// [Generator.Generate] takes the finding's first two accesses and looks for the
// way in that is nearest: the function that makes the access, else a caller on
// the access's path. Code in a function literal runs by calling the function
// around it: because that starts it (go, errgroup, an immediate call), because
// it returns it (middleware), or because it registers it on a router that it
// returns. A local map is shared only within one call, so one call it is. A
// function that relies on a lock its callers hold is never called bare: that
// would race, and would be the test's fault; what counts as holding is that the lock is
// taken on the way to the access. What a constructor starts in the background is not
// started again: the function that sends to the channel which it waits for is called, or
// its timers get their time between two calls.
//
// Receivers come from constructors (New…, the one with the fewest parameters),
// else from a literal that fills the fields which the reached code uses. Both
// sides get the same instance of the holder and of what leads to it, and equal
// keys; everything else is made per side, so that the test adds no sharing of
// its own. Where the program makes the map lazily, the literal leaves it nil.
//
// # Forms
//
//   - synctest: a testing/synctest bubble. Each side sleeps on the fake clock,
//     then calls, and the sleeps force both orders, one subtest each. Sleeping on
//     the fake clock orders nothing for the race detector, so it sees every
//     access that no lock covers; two goroutines behind a start gate race about
//     two times in three, the two forced orders always. Both orders are needed: a
//     lock that lies between the accesses by accident hides the race in one.
//     Waiting with synctest.Wait would order the sides and hide it in both.
//   - stress: goroutines that repeat the calls with a seeded jitter. For code that
//     blocks while it holds a lock (a goroutine that waits for a sync.Mutex keeps
//     the fake clock from moving), that leaves goroutines running which nothing
//     ends (a bubble must end empty), that uses package-level channels or
//     WaitGroups (they belong to no bubble), and for toolchains before Go 1.25.
//
// A module whose go directive is older than 1.25 but not than 1.23 gets the
// synctest form under a go1.25 build constraint when the toolchain has it.
//
// # Variants
//
// The first test may not show the race: a call finds nothing to work on and leaves, or does
// not like a value and panics, or takes locks before and after the access, so that neither
// order of whole calls has the accesses unordered. [Generator.Alternatives] lists variants,
// and [Generator.Reproduce] and `mapmigrate verify` try them: no constructor that can fail,
// something in every map, slice, string and number of a literal, methods called first that add to
// what is shared (prepare.go), arguments that differ from what there is, an argument made in another
// way (ways.go), calls that may panic, the stress form; then other ways in, and an earlier call that
// fills the map. A variant that fails has shown a race of the program like any other: what it is given
// is unusual, not what it does.
//
// # What a generated test may call
//
// A test runs the user's code on the user's machine, so what it calls is decided
// before: everything that the two functions and the constructors used can reach,
// by static calls, mentioned functions, and methods of the first-party types that
// reached code makes. It must not reach
//
//	file system     package os but for the environment, error predicates and methods of files
//	                (that nobody opened), ParseFiles, ServeFile, …
//	network         package net but for parsing and addresses, HTTP clients and servers
//	process         os.Exit, log.Fatal (any logger's), os/exec, os/signal, syscall, flag, plugin
//	unsafe, cgo     unsafe.Pointer and Add, import "C", functions without a Go body
//	other modules   but for a list of libraries for state, identity, logging and metrics,
//	                those that import nothing to have an effect with, getters of protobuf messages,
//	                and functions whose bodies, read for the purpose, reach none of this (library.go)
//
// A function that is put into a field counts when what is reached looks at the field. What stands
// behind a field that the test leaves zero, and that nothing reached sets, does not count (shut.go).
//
// The tables are in effects.go; a standard package that they do not name is denied. What a
// package's own init functions and TestMain do is not asked: the user's go test
// runs them too. Standard error may be written to.
//
// # Running
//
// [Run] builds each package's test binary once, with -race and an overlay that
// adds the tests, and gives every test a process of its own. Where the package's own tests do
// not build on the original code, that is done without them, and the outcome says so. A test failed only
// if a race report or a fatal error is on its map's accesses; package evidence
// decides that by file and line. [Verify] runs both versions,
// and says which races were elsewhere. In migrated code the lines of the accesses are
// followed through the diff. Two small tests of our own frame each run and name the
// goroutines that it leaves behind (leaks.go); they are in the overlay only, since the
// module must not get a dependency for it. [Existing] runs the module's own tests on
// both versions and tells flaky ones from differences.
//
// # Atomicity
//
// Forced orders never interleave two calls, and plain stress finds a lost update by
// luck. [Generator.Interleave] writes a test for the migrated code that does: two calls,
// with equal keys and different values, in every order of their operations on the map
// with at most two switches, each compared with the two calls one after the other
// (package twin says how). [Twin] makes the runtime that it runs on: the emitted source
// with a point before every operation, never under a lock.
//
// # Frameworks
//
// With Options.Framework [Gocheck] a program-level test becomes a suite of
// gopkg.in/check.v1: sixteen streams with a seed each, a checksum of what each did, a
// logical clock around bursts of calls, seeded delays and injected failures.
//
// # Left undone
//
// Handlers behind routers of other modules, and functions stored in fields or registered
// as callbacks, are not called. The interleavings of a call that makes its map itself, that waits, or
// that looks at a lock with TryLock are not enumerated.
package racetest
