// Racy shape: a slog.Handler counts records per level in a bare map, loggers are used by all goroutines
package contexts2

import (
	"context"
	"log/slog"
)

type countingHandler struct {
	next   slog.Handler
	counts map[slog.Level]int
}

func (h *countingHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.next.Enabled(ctx, l)
}

func (h *countingHandler) Handle(ctx context.Context, r slog.Record) error {
	h.counts[r.Level]++ // want `(medium|high) unguarded: update of countingHandler.counts`
	return h.next.Handle(ctx, r)
}

func (h *countingHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return &countingHandler{h.next.WithAttrs(as), h.counts}
}

func (h *countingHandler) WithGroup(name string) slog.Handler {
	return &countingHandler{h.next.WithGroup(name), h.counts}
}

func CountLogs(next slog.Handler) *slog.Logger {
	return slog.New(&countingHandler{next, map[slog.Level]int{}})
}
