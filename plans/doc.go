// Package plans holds the Plan value and everything that happens to it: validate,
// encode, diff, approve, apply, undo. It is the only package that writes source
// files, and it imports nothing of the module, so that someone who holds only a
// plan can review and apply it.
package plans
