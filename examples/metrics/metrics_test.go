package metrics

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	r := New(map[string]string{"jobs": "finished jobs"})
	r.Add("jobs", 2)
	r.Set("load", 0.5)
	var b strings.Builder
	r.WriteTo(&b)
	want := "jobs 2 finished jobs\nload 0.5 \nscrapes 0 \n"
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestObserve(t *testing.T) {
	r := New(nil)
	r.Observe("call", time.Second)
	r.Observe("call", time.Second)
	if got := r.Counter("call_nanos"); got != 2e9 {
		t.Errorf("call_nanos = %d, want 2e9", got)
	}
	r.Reset()
	if got := len(r.counters); got != 0 {
		t.Errorf("%d counters after Reset", got)
	}
}

// Adding from many goroutines is fine: Add takes the lock.
func TestAddConcurrently(t *testing.T) {
	r := New(nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 100 {
				r.Add("n", 1)
			}
		}()
	}
	wg.Wait()
	if got := r.Counter("n"); got != 800 {
		t.Errorf("n = %d, want 800", got)
	}
}

func TestScrape(t *testing.T) {
	r := New(nil)
	r.Set("load", 1)
	for range 2 {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
	}
	if got := r.Counter("scrapes"); got != 2 {
		t.Errorf("scrapes = %d, want 2", got)
	}
	if v, ok := r.Gauge("load"); !ok || v != 1 {
		t.Errorf("load = %v, %v", v, ok)
	}
}
