// Correct shape: the wait is deferred and the parent returns a copy made inside a deferred function after it (parallel validation)
package ordering

import (
	"maps"
	"sync"
)

type validation struct {
	mu   sync.Mutex
	errs map[string]error
}

func (v *validation) fail(k string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.errs[k] = err
}

func validateAll(checks map[string]func() error) (out map[string]error) {
	v := &validation{errs: map[string]error{}}
	var wg sync.WaitGroup
	defer func() { out = maps.Clone(v.errs) }()
	defer wg.Wait()
	for k, c := range checks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := c(); err != nil {
				v.fail(k, err)
			}
		}()
	}
	return nil
}

func Valid(checks map[string]func() error) bool { return len(validateAll(checks)) == 0 }
