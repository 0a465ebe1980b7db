// Correct shape: the critical section is a literal called on the spot with a deferred Unlock inside a loop (retry loops)
package guards

import "sync"

type attemptLog struct {
	mu    sync.Mutex
	tries map[string]int
}

func (a *attemptLog) run(task string, f func() error) error {
	for {
		n := func() int {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.tries[task]++
			return a.tries[task]
		}()
		err := f()
		if err == nil || n > 3 {
			func() {
				a.mu.Lock()
				defer a.mu.Unlock()
				delete(a.tries, task)
			}()
			return err
		}
	}
}

func RunAll(tasks map[string]func() error) {
	a := &attemptLog{tries: map[string]int{}}
	var wg sync.WaitGroup
	for name, f := range tasks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_ = a.run(name, f)
		}()
	}
	wg.Wait()
}
