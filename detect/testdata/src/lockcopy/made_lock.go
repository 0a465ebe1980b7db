// Correct shape: the constructor makes the mutex that a field points to, a timer saves the map through a method that locks it (nats ocsp response cache)
package lockcopy

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"
)

type responseCache struct {
	mu    *sync.RWMutex
	byKey map[string]string
}

func (c *responseCache) save(file string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	data, err := json.Marshal(c.byKey)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

func (c *responseCache) put(k, v string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byKey[k] = v
}

func (c *responseCache) get(k string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byKey[k]
}

func (c *responseCache) drop(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byKey, k)
}

type responder struct{ cache *responseCache }

func (r *responder) open(file string) {
	c := &responseCache{mu: new(sync.RWMutex), byKey: map[string]string{}}
	time.AfterFunc(time.Minute, func() {
		if err := c.save(file); err != nil {
			println(err.Error())
		}
	})
	r.cache = c
}

func (r *responder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	k := q.URL.Path
	if r.cache.get(k) == "" {
		r.cache.put(k, k)
	}
	r.cache.drop(k + "old")
}

func ServeResponses(file string) error {
	r := new(responder)
	r.open(file)
	return http.ListenAndServe(":0", r)
}
