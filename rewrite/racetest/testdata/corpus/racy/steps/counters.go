package steps

// Hits imitates the hit counters of web servers.
type Hits struct {
	m map[string]int // racy
}

// NewHits returns an empty one.
func NewHits() *Hits { return &Hits{m: map[string]int{}} }

// Hit counts one.
func (x *Hits) Hit(k string) { x.m[k]++ }

// Serve does it from a goroutine for each.
func (x *Hits) Serve(keys []string) {
	for _, k := range keys {
		go x.Hit(k)
	}
}

// Votes imitates weighted votes.
type Votes struct {
	m map[string]int // racy
}

// NewVotes returns an empty one.
func NewVotes() *Votes { return &Votes{m: map[string]int{}} }

// Vote adds a weight and returns nothing.
func (x *Votes) Vote(k string, weight int) { x.m[k] += weight }

// Serve does it from a goroutine for each.
func (x *Votes) Serve(keys []string) {
	for _, k := range keys {
		go x.Vote(k, len(k))
	}
}

// Spent imitates budgets that shrink.
type Spent struct {
	m map[string]float64 // racy
}

// NewSpent returns an empty one.
func NewSpent() *Spent { return &Spent{m: map[string]float64{}} }

// Spend takes an amount.
func (x *Spent) Spend(k string, amount float64) { x.m[k] -= amount }

// Serve does it from a goroutine for each.
func (x *Spent) Serve(keys []string) {
	for _, k := range keys {
		go x.Spend(k, 1)
	}
}

// Tags imitates tag lists that grow.
type Tags struct {
	m map[string][]string // racy
}

// NewTags returns an empty one.
func NewTags() *Tags { return &Tags{m: map[string][]string{}} }

// Tag adds a tag.
func (x *Tags) Tag(k, tag string) { x.m[k] = append(x.m[k], tag) }

// Serve does it from a goroutine for each.
func (x *Tags) Serve(keys []string) {
	for _, k := range keys {
		go x.Tag(k, "a")
	}
}

// Peaks imitates high-water marks.
type Peaks struct {
	m map[string]int // racy
}

// NewPeaks returns an empty one.
func NewPeaks() *Peaks { return &Peaks{m: map[string]int{}} }

// Peak keeps the highest.
func (x *Peaks) Peak(k string, n int) { x.m[k] = max(x.m[k], n) + 1 }

// Serve does it from a goroutine for each.
func (x *Peaks) Serve(keys []string) {
	for _, k := range keys {
		go x.Peak(k, len(k))
	}
}

// Bits imitates sets of flags in one word.
type Bits struct {
	m map[string]uint // racy
}

// NewBits returns an empty one.
func NewBits() *Bits { return &Bits{m: map[string]uint{}} }

// Set sets a bit.
func (x *Bits) Set(k string, bit uint) { x.m[k] |= 1 << bit }

// Serve does it from a goroutine for each.
func (x *Bits) Serve(keys []string) {
	for _, k := range keys {
		go x.Set(k, 1)
	}
}

// Logs imitates text that is appended to.
type Logs struct {
	m map[string]string // racy
}

// NewLogs returns an empty one.
func NewLogs() *Logs { return &Logs{m: map[string]string{}} }

// Add adds a line.
func (x *Logs) Add(k, line string) { x.m[k] += line }

// Serve does it from a goroutine for each.
func (x *Logs) Serve(keys []string) {
	for _, k := range keys {
		go x.Add(k, "x")
	}
}

// Stock imitates inventories.
type Stock struct {
	m map[int]int // racy
}

// NewStock returns an empty one.
func NewStock() *Stock { return &Stock{m: map[int]int{}} }

// Return puts one back.
func (x *Stock) Return(id int) { x.m[id]++ }

// Sell takes one.
func (x *Stock) Sell(id int) { x.m[id]-- }

// Serve does it from a goroutine for each.
func (x *Stock) Serve(keys []int) {
	for _, k := range keys {
		go x.Sell(k)
	}
}

// Totals imitates sums of structs.
type Totals struct {
	m map[string]total // racy
}

// NewTotals returns an empty one.
func NewTotals() *Totals { return &Totals{m: map[string]total{}} }

// Add adds to both.
func (x *Totals) Add(k string, n int) {
	x.m[k] = x.m[k].plus(n)
}

// Serve does it from a goroutine for each.
func (x *Totals) Serve(keys []string) {
	for _, k := range keys {
		go x.Add(k, 1)
	}
}

type total struct{ count, sum int }

func (t total) plus(n int) total { return total{t.count + 1, t.sum + n} }
