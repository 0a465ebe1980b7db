// Correct shape: goroutines are started in a loop but each is waited for before the next (staged migrations)
package ordering

import "time"

type migration struct {
	name string
	run  func() error
}

func migrate(steps []migration, limit time.Duration) map[string]time.Duration {
	took := map[string]time.Duration{}
	for _, s := range steps {
		done := make(chan error)
		go func() {
			start := time.Now()
			err := s.run()
			took[s.name] = time.Since(start)
			done <- err
		}()
		if err := <-done; err != nil || took[s.name] > limit {
			break
		}
	}
	return took
}

func Migrate(steps []migration) int { return len(migrate(steps, time.Minute)) }
