// Package shared is used by another package, whose accesses its directives are about.
package shared

import "sync"

// Mu guards tags elsewhere.
var Mu sync.Mutex

// State is exported with its lock.
type State struct {
	Mu   sync.Mutex
	Rows map[string]int //mapmigrate:guardedby Mu
	Cols map[string]int //mapmigrate:ignore written once, by convention // hides unguarded
}
