// Correct shape: a channel of capacity one serves as the lock (golang.org/x/net and database pools)
package ordering

import "context"

type tokenTable struct {
	sem    chan struct{}
	tokens map[string]int
}

func newTokenTable() *tokenTable {
	return &tokenTable{sem: make(chan struct{}, 1), tokens: map[string]int{}}
}

func (t *tokenTable) grant(ctx context.Context, who string) error {
	select {
	case t.sem <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.sem }()
	t.tokens[who]++
	return nil
}

func (t *tokenTable) count(who string) int {
	t.sem <- struct{}{}
	n := t.tokens[who]
	<-t.sem
	return n
}

func GrantAll(ctx context.Context, users []string) int {
	t := newTokenTable()
	for _, u := range users {
		go func() { _ = t.grant(ctx, u) }()
	}
	return t.count("root")
}
