// Correct shape: a timer function re-arms itself at its end, so it never overlaps itself, and owns its map (retry schedulers)
package contexts2

import "time"

type retrier struct {
	attempts map[string]int
	in       chan string
	try      func(string) error
}

func startRetrier(in chan string, try func(string) error) *retrier {
	r := &retrier{attempts: map[string]int{}, in: in, try: try}
	time.AfterFunc(time.Second, r.tick)
	return r
}

func (r *retrier) tick() {
	for done := false; !done; {
		select {
		case k := <-r.in:
			r.attempts[k] = 0
		default:
			done = true
		}
	}
	for k := range r.attempts {
		if r.try(k) == nil || r.attempts[k] > 5 {
			delete(r.attempts, k)
			continue
		}
		r.attempts[k]++
	}
	time.AfterFunc(time.Second, r.tick)
}

func (r *retrier) Retry(k string) { r.in <- k }

func Retries(keys []string, try func(string) error) {
	r := startRetrier(make(chan string, 16), try)
	for _, k := range keys {
		r.Retry(k)
	}
}
