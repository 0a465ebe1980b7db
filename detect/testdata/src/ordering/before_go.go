// Correct shape: a method fills its receiver's map before its go statement; from then on one goroutine has it (collectors with Start)
package ordering

type subscription struct{ path string }

type gnmiClient struct {
	subs   []subscription
	lookup map[string]int
	in     chan string
	out    func(string, int)
}

func (c *gnmiClient) Start() {
	c.lookup = make(map[string]int, len(c.subs))
	for i, s := range c.subs {
		c.lookup[s.path] = i
	}
	go c.receive()
}

func (c *gnmiClient) receive() {
	for path := range c.in {
		n, ok := c.lookup[path]
		if !ok {
			n = len(c.lookup)
			c.lookup[path] = n
		}
		c.out(path, n)
	}
}

func Subscribe(paths []string, in chan string, out func(string, int)) {
	c := &gnmiClient{in: in, out: out}
	for _, p := range paths {
		c.subs = append(c.subs, subscription{p})
	}
	c.Start()
}
