// Correct shape: a goroutine that waits for a signal parses the configuration anew, into an object that the parser makes and fills; tools call the parser, too (nats reload)
package hooks

import (
	"os"
	"os/signal"
)

type parsedConfig struct {
	file string
	meta map[string]string
}

// parses counts what is parsed, for the metrics page.
var parses interface{ Register(file *string) }

// ParseConfig reads a file.
func ParseConfig(file string) *parsedConfig {
	c := &parsedConfig{file: file}
	parses.Register(&c.file)
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

// ParseAll adds what the lines say.
func (c *parsedConfig) ParseAll(lines []string) {
	for _, l := range lines {
		c.ParseString(l)
	}
}
