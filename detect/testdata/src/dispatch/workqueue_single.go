// Correct shape: the controller starts one worker by the helper, its cache belongs to that worker (kubernetes controllers)
package dispatch

import "time"

type reconciler struct {
	keys  chan string
	tries map[string]int
	apply func(string) error
}

func repeat(f func() bool, pause time.Duration) {
	for f() {
		time.Sleep(pause)
	}
}

func (r *reconciler) run() {
	go repeat(r.next, time.Second)
}

func (r *reconciler) next() bool {
	k, ok := <-r.keys
	if !ok {
		return false
	}
	if r.apply(k) == nil || r.tries[k] > 5 {
		delete(r.tries, k)
		return true
	}
	r.tries[k]++
	return true
}

func Reconcile(keys chan string, apply func(string) error) {
	r := &reconciler{keys: keys, tries: map[string]int{}, apply: apply}
	r.run()
}
