// Racy shape: a package mutex guards a package map, the exported lister forgets it (driver registries)
package guards

import "sync"

var (
	factoriesMu sync.Mutex
	factories   = make(map[string]func() error)
)

func RegisterFactory(name string, f func() error) {
	factoriesMu.Lock()
	defer factoriesMu.Unlock()
	if _, dup := factories[name]; dup {
		panic("registered twice: " + name)
	}
	factories[name] = f
}

func UnregisterFactory(name string) {
	factoriesMu.Lock()
	delete(factories, name)
	factoriesMu.Unlock()
}

func OpenFactory(name string) error {
	factoriesMu.Lock()
	f := factories[name]
	factoriesMu.Unlock()
	if f == nil {
		return nil
	}
	return f()
}

func FactoryNames() (names []string) {
	for n := range factories { // want `(medium|high) iteration: range of guards.factories without guards.factoriesMu.*, which 4 of 5 accesses hold; `
		names = append(names, n)
	}
	return names
}
