// Package evidence turns what a running program left behind into facts about maps.
//
// A race detector log and a crash trace both say that two goroutines met on one
// piece of memory, and name the lines. [Parse] reads either, several in one log,
// and tolerates what logs go through on their way to a bug report: the
// JSON lines of go test -json, time stamps or a service name before every line,
// indentation, Windows line ends, tabs lost or escaped by syslog, other output in
// between, a first line that was not copied, a log cut short.
//
// A report names lines, not maps. [Attribute] decides which map it was from the
// lines that use each ([Target]), with paths compared from their ends so that a log
// from another checkout, a vendored copy or a -trimpath build still matches, and by
// function where the lines have moved. What it cannot decide it says in a sentence:
// an element's memory and a map's own look alike on one line.
//
// [ParseProfile] reads CPU, mutex and block profiles, which prove nothing, but weigh:
// [Profile.Waiting] is what contention a map's lock has.
//
// The package imports nothing of this module; detection and the race tests both
// build on it.
package evidence
