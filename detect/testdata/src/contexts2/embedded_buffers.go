// Racy shape: a map reached through two embedded structs, reset in a loop by the committer and read by ranges (etcd 9446 txReadBuffer)
package contexts2

import "sync"

type txBuffer struct {
	buckets map[string]struct{}
}

func (b *txBuffer) reset() {
	for k := range b.buckets {
		delete(b.buckets, k) // want `(medium|high) unguarded: .* of txBuffer.buckets`
	}
}

type txReadBuffer struct{ txBuffer }

func (b *txReadBuffer) has(k string) bool {
	_, ok := b.buckets[k]
	return ok
}

type readTx struct {
	mu  sync.RWMutex
	buf txReadBuffer
}

func (t *readTx) reset() { t.buf.reset() }

func (t *readTx) has(k string) bool { return t.buf.has(k) }

type storeBackend struct{ readTx *readTx }

func Commit(keys []string) {
	b := &storeBackend{readTx: &readTx{buf: txReadBuffer{txBuffer{map[string]struct{}{}}}}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.readTx.reset()
	}()
	for _, k := range keys {
		_ = b.readTx.has(k)
	}
	<-done
}
