package steps

// Grid imitates counts by two keys.
type Grid struct {
	m map[string]map[string]int // racy
}

// NewGrid returns an empty one.
func NewGrid() *Grid { return &Grid{m: map[string]map[string]int{}} }

// Add counts in a row, made on first use.
func (x *Grid) Add(row, col string) {
	if x.m[row] == nil {
		x.m[row] = map[string]int{}
	}
	x.m[row][col]++
}

// Serve does it from a goroutine for each.
func (x *Grid) Serve(keys []string) {
	for _, k := range keys {
		go x.Add(k, "c")
	}
}

// Members imitates members of groups.
type Members struct {
	m map[string]map[string]bool // racy
}

// NewMembers returns an empty one.
func NewMembers() *Members { return &Members{m: map[string]map[string]bool{}} }

// Join adds one.
func (x *Members) Join(group, who string) {
	if x.m[group] == nil {
		x.m[group] = map[string]bool{}
	}
	x.m[group][who] = true
}

// Leave removes one, and the group with the last.
func (x *Members) Leave(group, who string) {
	delete(x.m[group], who)
	if len(x.m[group]) == 0 {
		delete(x.m, group)
	}
}

// Serve does it from a goroutine for each.
func (x *Members) Serve(keys []string) {
	for _, k := range keys {
		go x.Join(k, "a")
	}
}

// Sums imitates sums per day and product.
type Sums struct {
	m map[int]map[string]float64 // racy
}

// NewSums returns an empty one.
func NewSums() *Sums { return &Sums{m: map[int]map[string]float64{}} }

// Book adds a sale.
func (x *Sums) Book(day int, product string, amount float64) {
	if x.m[day] == nil {
		x.m[day] = make(map[string]float64)
	}
	x.m[day][product] += amount
}

// Serve does it from a goroutine for each.
func (x *Sums) Serve(keys []int) {
	for _, k := range keys {
		go x.Book(k, "a", 1)
	}
}
