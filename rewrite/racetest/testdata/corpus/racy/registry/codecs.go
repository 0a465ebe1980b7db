package registry

import (
	"fmt"
	"sync"
)

// Imitates a codec registry with a fast path outside the lock (dapr's gRPC pool).

type Codec struct{ Name string }

type codecs struct {
	mu    sync.RWMutex
	known map[string]*Codec // racy
}

var allCodecs = &codecs{known: map[string]*Codec{}}

// CodecFor returns the codec of a content type, made on first use.
func CodecFor(contentType string) *Codec { return allCodecs.get(contentType) }

func (c *codecs) get(contentType string) *Codec {
	if codec, ok := c.known[contentType]; ok { // fast path
		return codec
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if codec, ok := c.known[contentType]; ok {
		return codec
	}
	codec := &Codec{Name: fmt.Sprint("codec/", contentType)}
	c.known[contentType] = codec
	return codec
}
