// Racy shape: only the readers take the lock, the stream goroutine that writes takes none (dapr placement tables)
package wrong

import "sync"

type placementTables struct {
	version string
	entries map[string][]string
}

type actorRuntime struct {
	tableLock sync.RWMutex
	tables    *placementTables
}

func (a *actorRuntime) onUpdate(version string, hosts map[string][]string) {
	for typ, h := range hosts {
		a.tables.entries[typ] = h // want `(medium|high) (partial|unguarded|wrong-lock): write of placementTables.entries`
	}
	a.tables.version = version
}

func (a *actorRuntime) lookup(typ string) []string {
	a.tableLock.RLock()
	defer a.tableLock.RUnlock()
	return a.tables.entries[typ]
}

func (a *actorRuntime) known(typ string) bool {
	a.tableLock.RLock()
	defer a.tableLock.RUnlock()
	_, ok := a.tables.entries[typ]
	return ok
}

func (a *actorRuntime) Run(updates <-chan map[string][]string, calls <-chan string) {
	go func() {
		for u := range updates {
			a.onUpdate("next", u)
		}
	}()
	for c := range calls {
		if a.known(c) {
			_ = a.lookup(c)
		}
	}
}
