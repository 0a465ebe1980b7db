package steps

// Pending imitates replies that are delivered once.
type Pending struct {
	m map[int]string // racy
}

// NewPending returns an empty one.
func NewPending() *Pending { return &Pending{m: map[int]string{}} }

// Expect remembers a call.
func (x *Pending) Expect(id int, who string) { x.m[id] = who }

// Take hands the call to one caller.
func (x *Pending) Take(id int) string {
	if w, ok := x.m[id]; ok {
		delete(x.m, id)
		return w
	}
	return ""
}

// Serve does it from a goroutine for each.
func (x *Pending) Serve(keys []int) {
	for _, k := range keys {
		go x.Take(k)
	}
}

// Tokens imitates tokens that are used once.
type Tokens struct {
	m map[string]*token // racy
}

// NewTokens returns an empty one.
func NewTokens() *Tokens { return &Tokens{m: map[string]*token{}} }

// Issue makes one.
func (x *Tokens) Issue(k string) { x.m[k] = &token{k} }

// Redeem uses it.
func (x *Tokens) Redeem(k string) *token {
	if t, ok := x.m[k]; ok {
		delete(x.m, k)
		return t
	}
	return nil
}

// Serve does it from a goroutine for each.
func (x *Tokens) Serve(keys []string) {
	for _, k := range keys {
		go x.Redeem(k)
	}
}

type token struct{ k string }

// Bumps imitates counters that are forgotten.
type Bumps struct {
	m map[string]int // racy
}

// NewBumps returns an empty one.
func NewBumps() *Bumps { return &Bumps{m: map[string]int{}} }

// Bump counts.
func (x *Bumps) Bump(k string) { x.m[k]++ }

// Forget drops a counter.
func (x *Bumps) Forget(k string) { delete(x.m, k) }

// Serve does it from a goroutine for each.
func (x *Bumps) Serve(keys []string) {
	for _, k := range keys {
		go x.Bump(k)
	}
}
