// Correct shape: a goroutine that waits for a signal parses the configuration anew, into an object that the parser makes and fills; tools call the parser, too (nats reload)
package hooks

import (
	"os"
	"os/signal"
)

type parsedConfig struct {
	meta map[string]string
}

// ParseConfig reads a file.
func ParseConfig(file string) *parsedConfig {
	c := &parsedConfig{}
	c.ParseString(file)
	return c
}

// ParseString adds what s says.
func (c *parsedConfig) ParseString(s string) {
	if c.meta == nil {
		c.meta = map[string]string{}
	}
	c.meta[s] = "set"
}

type reloader struct {
	file string
	use  func(*parsedConfig)
}

func (r *reloader) Run() {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup)
	go func() {
		for range hup {
			r.use(ParseConfig(r.file))
		}
	}()
}
