// Package advise turns what detection knows about a map into the form it should
// become, or into the reason why another form would not help.
//
// Only two of five real concurrent-map bugs are cured by swapping the map. Most of
// the others already have a lock that one path forgets, or hand the map out where
// they should hand out a copy. So [Choose] first asks whether a swap is the cure at
// all, and only then which one:
//
//  1. The map has no guard, or is nested: swap it.
//  2. It has a guard that some access misses: take it there (the form guard). Where package
//     rewrite cannot, refuse with the lock to take and where (take-lock), or because it
//     keeps the map in step with others (lock-spans-fields).
//  3. It has a guard, but is handed out: refuse with the copy to make (boundary-copy).
//  4. The race is on what the map holds, not on the map: refuse (element-race).
//  5. There is nothing to cure: refuse (nothing-shared, already-guarded).
//
// These refusals are of the class "unhelpful": a named strategy, or the scope "all",
// overrides them. Whether a rewrite is safe is not asked here; package rewrite does,
// and nothing overrides that.
//
// A form that package rewrite refuses leaves one more: a lock of its own around every use of
// the map (the form mutex), which changes no type and keeps steps together.
//
// The form is chosen from counted facts, in the order of the rules in choose.go, and
// the advice carries the counts, so that a reviewer can disagree with them.
package advise
