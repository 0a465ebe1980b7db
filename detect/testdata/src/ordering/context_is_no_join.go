// Racy shape: after cancel the parent goes on with the goroutine's map, cancelling is not waiting
package ordering

import (
	"context"
	"time"
)

type tracer struct {
	spans map[string]time.Duration
}

func (t *tracer) record(ctx context.Context, in <-chan string) {
	start := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-in:
			t.spans[name] = time.Since(start)
		}
	}
}

func Trace(in <-chan string, work func()) map[string]time.Duration {
	t := &tracer{spans: map[string]time.Duration{}}
	ctx, cancel := context.WithCancel(context.Background())
	go t.record(ctx, in)
	work()
	cancel()
	<-ctx.Done()
	out := map[string]time.Duration{}
	for name, d := range t.spans { // want `(medium|high) unguarded: .* of tracer.spans`
		out[name] = d
	}
	return out
}
