package cache

import (
	"context"
	"net/netip"
	"sync"
)

// Imitates resolvers that fill their cache from the goroutines of parallel lookups.

// A Resolver remembers answers.
type Resolver struct {
	Lookup func(ctx context.Context, host string) (netip.Addr, error)
	cache  map[string]netip.Addr // racy
}

// NewResolver returns a resolver that asks lookup.
func NewResolver(lookup func(ctx context.Context, host string) (netip.Addr, error)) *Resolver {
	return &Resolver{Lookup: lookup, cache: map[string]netip.Addr{}}
}

// All resolves hosts in parallel.
func (r *Resolver) All(ctx context.Context, hosts ...string) error {
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r.one(ctx, h)
		}()
	}
	wg.Wait()
	return ctx.Err()
}

func (r *Resolver) one(ctx context.Context, host string) {
	if _, ok := r.cache[host]; ok {
		return
	}
	if a, err := r.Lookup(ctx, host); err == nil {
		r.cache[host] = a
	}
}
