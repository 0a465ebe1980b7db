// Package evidence turns what a running program left behind into facts about maps.
//
// A race detector log and a crash trace both say that two goroutines met on one
// piece of memory, and name the lines. [Parse] reads either, several in one log,
// and tolerates what logs go through on their way to a bug report: the
// JSON lines of go test -json, time stamps or a service name before every line,
// indentation, Windows line ends, other output in between, a log cut short.
//
// What it does not do: decide which map it was. A report names lines, and a
// [Place] with the map's own lines (which detection knows) decides that, with
// paths compared from their ends so that a log from another checkout, a vendored
// copy or a -trimpath build still matches.
//
// The package imports nothing of this module; detection and the race tests both
// build on it.
package evidence
