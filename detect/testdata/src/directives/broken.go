// Directives that do nothing say so.
package directives

import "sync"

type broken struct {
	mu sync.Mutex
	//mapmigrate:ignore // problem missing-reason
	a map[string]int
	b map[string]int //mapmigrate:guardedby mutex // problem unknown-lock
	c map[string]int //mapmigrate:guardedby n // problem unknown-lock
	d map[string]int //mapmigrate:guarded mu // problem malformed-directive
	// mapmigrate:ignore a space is no directive // problem malformed-directive
	e map[string]int
	n int //mapmigrate:guardedby mu // problem misplaced-directive

	//mapmigrate:ignore not even near // problem unused-ignore

	f map[string]int //mapmigrate:guardedby mu
	g map[string]int // +checklocks:nosuch
	h int            // +checklocks:mu
	i map[string]int //mapmigrate:guardedby // problem malformed-directive
}

//mapmigrate:ignore one goroutine only // problem unused-ignore
var quietMap = map[string]int{}

func fill(b *broken, mu *sync.Mutex) int {
	quietMap["a"]++
	local := map[string]int{} //mapmigrate:guardedby mu // problem unknown-lock
	func() { local["a"]++ }()
	return local["a"] + len(b.a)
}

var _ = fill
