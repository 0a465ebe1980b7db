// Correct shape: every case of the select that goes on is the goroutine's end, the timeout returns without the map
package ordering

import (
	"context"
	"time"
)

func collect(ctx context.Context, hosts []string, ping func(string) time.Duration) (map[string]time.Duration, error) {
	rtts := map[string]time.Duration{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, h := range hosts {
			rtts[h] = ping(h)
		}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-done:
	}
	if len(rtts) > len(hosts) {
		clear(rtts)
	}
	return rtts, nil
}
