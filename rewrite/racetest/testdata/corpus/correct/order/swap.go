package order

import "sync/atomic"

// A Config is replaced as a whole, and never changed.
type Config struct {
	current atomic.Pointer[map[string]string]
}

// NewConfig holds values.
func NewConfig(values map[string]string) *Config {
	c := &Config{}
	c.Replace(values)
	return c
}

// Replace puts a copy in place.
func (c *Config) Replace(values map[string]string) {
	fresh := make(map[string]string, len(values))
	for k, v := range values {
		fresh[k] = v
	}
	c.current.Store(&fresh)
}

// Get reads.
func (c *Config) Get(k string) string { return (*c.current.Load())[k] }

// Watch replaces in the background.
func (c *Config) Watch(updates <-chan map[string]string) {
	go func() {
		for u := range updates {
			c.Replace(u)
		}
	}()
}
