// Racy shape: a config copied by value under the lock shares its Metadata map, a helper deletes from the copy's (nats consumer pause)
package escapes

import (
	"strings"
	"sync"
)

type consumerConfig struct {
	Durable  string
	Paused   bool
	Metadata map[string]string
}

type assignment struct{ Config *consumerConfig }

type jetStream struct {
	mu        sync.RWMutex
	consumers map[string]*assignment
}

func (js *jetStream) annotate(name, k, v string) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if ca := js.consumers[name]; ca != nil {
		ca.Config.Metadata[k] = v
	}
}

func (js *jetStream) describe(name string) int {
	js.mu.RLock()
	defer js.mu.RUnlock()
	return len(js.consumers[name].Config.Metadata)
}

func dropDynamic(md map[string]string) {
	for k := range md {
		if strings.HasPrefix(k, "_nats.") {
			delete(md, k) // want `(medium|high) (escape|partial): delete of consumerConfig.Metadata`
		}
	}
}

func (js *jetStream) pause(name string) *consumerConfig {
	js.mu.RLock()
	ca := js.consumers[name]
	if ca == nil {
		js.mu.RUnlock()
		return nil
	}
	ncfg := *ca.Config
	js.mu.RUnlock()
	ncfg.Paused = true
	dropDynamic(ncfg.Metadata)
	return &ncfg
}

func (js *jetStream) Serve(requests <-chan string) {
	for range 4 {
		go func() {
			for r := range requests {
				js.annotate(r, "seen", "yes")
				js.pause(r)
				js.describe(r)
			}
		}()
	}
}
