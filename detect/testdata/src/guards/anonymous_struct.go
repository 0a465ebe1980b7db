// Racy shape: a map in an anonymous struct field is ranged over without the account's lock (nats Account.imports.services)
package guards

import "sync"

type serviceImport struct{ subject string }

type account struct {
	mu      sync.RWMutex
	name    string
	imports struct {
		services map[string]*serviceImport
		streams  []string
	}
}

func (a *account) addImport(from, to string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.imports.services == nil {
		a.imports.services = make(map[string]*serviceImport)
	}
	a.imports.services[from] = &serviceImport{to}
}

func (a *account) removeImport(from string) {
	a.mu.Lock()
	delete(a.imports.services, from)
	a.mu.Unlock()
}

func (a *account) resolve(from string) *serviceImport {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.imports.services[from]
}

func (a *account) subscribeAll(sub func(string)) {
	for _, si := range a.imports.services { // want `(medium|high) (iteration|partial): range of account.imports.services without account.mu`
		sub(si.subject)
	}
}

type accounts struct{ global *account }

func (s *accounts) Update(claims <-chan [2]string, sub func(string)) {
	for range 4 {
		go func() {
			for c := range claims {
				s.global.addImport(c[0], c[1])
				s.global.subscribeAll(sub)
				if s.global.resolve(c[0]) == nil {
					s.global.removeImport(c[0])
				}
			}
		}()
	}
}
