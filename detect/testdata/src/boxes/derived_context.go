// Racy shape: dialers that a client's goroutines call tag the content that they find in the client's context, one for all (Xray tagged dialers, where each dial derives a context with content of its own)
package boxes

import (
	"context"
	"net/http"
)

type contentKey struct{}

type content struct{ attributes map[string]string }

func contentOf(ctx context.Context) *content {
	c, _ := ctx.Value(contentKey{}).(*content)
	return c
}

func setTag(ctx context.Context, tag string) {
	contentOf(ctx).attributes["tag"] = tag // want `medium unguarded: write of content.attributes`
}

func dialTagged(ctx context.Context, tag string) {
	setTag(ctx, tag)
}

// Probes returns a handler that dials with the context it was made with.
func Probes(ctx context.Context, tag string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dialTagged(ctx, tag)
	})
}
