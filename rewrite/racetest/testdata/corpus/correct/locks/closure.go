package locks

import "sync"

// A Ledger runs functions under its lock.
type Ledger struct {
	mu       sync.Mutex
	accounts map[string]int
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{accounts: map[string]int{}} }

func (l *Ledger) with(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// Move moves an amount.
func (l *Ledger) Move(from, to string, n int) {
	l.with(func() {
		l.accounts[from] -= n
		l.accounts[to] += n
	})
}

// Balance reads an account.
func (l *Ledger) Balance(of string) (n int) {
	l.with(func() { n = l.accounts[of] })
	return n
}
