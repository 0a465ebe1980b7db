// Correct shape: errgroup workers fill the map under a mutex, the parent reads it after Wait (loki, tempo queriers)
package ordering

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

type blockMeta struct{ id string }

type fetcher struct {
	load func(ctx context.Context, id string) (blockMeta, error)
}

func (f *fetcher) fetchAll(ctx context.Context, ids []string) (map[string]blockMeta, error) {
	var (
		mu    sync.Mutex
		metas = make(map[string]blockMeta, len(ids))
	)
	g, ctx := errgroup.WithContext(ctx)
	for _, id := range ids {
		g.Go(func() error {
			m, err := f.load(ctx, id)
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			mu.Lock()
			metas[id] = m
			mu.Unlock()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for id, m := range metas {
		if m.id == "" {
			delete(metas, id)
		}
	}
	return metas, nil
}
