package steps

import "sync"

// Conns imitates connection pools: one connection per address.
type Conns struct {
	m map[string]*link // racy
}

// NewConns returns an empty one.
func NewConns() *Conns { return &Conns{m: map[string]*link{}} }

// Get returns the connection, made on first use.
func (x *Conns) Get(addr string) *link {
	c, ok := x.m[addr]
	if !ok {
		c = &link{addr}
		x.m[addr] = c
	}
	return c
}

// Serve does it from a goroutine for each.
func (x *Conns) Serve(keys []string) {
	for _, k := range keys {
		go x.Get(k)
	}
}

type link struct{ addr string }

// Locks imitates a mutex per key.
type Locks struct {
	m map[string]*sync.Mutex // racy
}

// NewLocks returns an empty one.
func NewLocks() *Locks { return &Locks{m: map[string]*sync.Mutex{}} }

// Of returns the lock of a key.
func (x *Locks) Of(k string) *sync.Mutex {
	mu, ok := x.m[k]
	if !ok {
		mu = new(sync.Mutex)
		x.m[k] = mu
	}
	return mu
}

// Serve does it from a goroutine for each.
func (x *Locks) Serve(keys []string) {
	for _, k := range keys {
		go x.Of(k)
	}
}

// Topics imitates brokers: a channel per topic.
type Topics struct {
	m map[string]chan string // racy
}

// NewTopics returns an empty one.
func NewTopics() *Topics { return &Topics{m: map[string]chan string{}} }

// Of returns the channel of a topic.
func (x *Topics) Of(k string) chan string {
	c, ok := x.m[k]
	if !ok {
		c = make(chan string, 1)
		x.m[k] = c
	}
	return c
}

// Serve does it from a goroutine for each.
func (x *Topics) Serve(keys []string) {
	for _, k := range keys {
		go x.Of(k)
	}
}

// Firsts imitates who came first.
type Firsts struct {
	m map[string]int // racy
}

// NewFirsts returns an empty one.
func NewFirsts() *Firsts { return &Firsts{m: map[string]int{}} }

// First stores the first one only.
func (x *Firsts) First(k string, who int) {
	if _, ok := x.m[k]; !ok {
		x.m[k] = who
	}
}

// Serve does it from a goroutine for each.
func (x *Firsts) Serve(keys []string) {
	for _, k := range keys {
		go x.First(k, 1)
	}
}

// Owners imitates claims that are kept.
type Owners struct {
	m map[string]string // racy
}

// NewOwners returns an empty one.
func NewOwners() *Owners { return &Owners{m: map[string]string{}} }

// Claim returns the owner.
func (x *Owners) Claim(k, who string) string {
	o, ok := x.m[k]
	if !ok {
		o = who
		x.m[k] = o
	}
	return o
}

// Serve does it from a goroutine for each.
func (x *Owners) Serve(keys []string) {
	for _, k := range keys {
		go x.Claim(k, "a")
	}
}

// Buffers imitates buffers by stream.
type Buffers struct {
	m map[int]*buffer // racy
}

// NewBuffers returns an empty one.
func NewBuffers() *Buffers { return &Buffers{m: map[int]*buffer{}} }

// Buffer returns the buffer of a stream.
func (x *Buffers) Buffer(id int) *buffer {
	b, ok := x.m[id]
	if !ok {
		b = &buffer{}
		x.m[id] = b
	}
	return b
}

// Serve does it from a goroutine for each.
func (x *Buffers) Serve(keys []int) {
	for _, k := range keys {
		go x.Buffer(k)
	}
}

type buffer struct{ data []byte }

// Defaults imitates settings that fall back, once.
type Defaults struct {
	m map[string]int // racy
}

// NewDefaults returns an empty one.
func NewDefaults() *Defaults { return &Defaults{m: map[string]int{}} }

// Get inserts the default.
func (x *Defaults) Get(k string, def int) int {
	v, ok := x.m[k]
	if !ok {
		v = def
		x.m[k] = v
	}
	return v
}

// Serve does it from a goroutine for each.
func (x *Defaults) Serve(keys []string) {
	for _, k := range keys {
		go x.Get(k, 2)
	}
}
