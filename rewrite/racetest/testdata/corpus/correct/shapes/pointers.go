package shapes

import "sync"

type account struct{ balance int }

// A Bank's accounts are changed under the lock, too.
type Bank struct {
	mu       sync.Mutex
	accounts map[int]*account
}

// NewBank has no customers.
func NewBank() *Bank { return &Bank{accounts: map[int]*account{}} }

// Deposit opens accounts as needed.
func (b *Bank) Deposit(id, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[id]
	if a == nil {
		a = &account{}
		b.accounts[id] = a
	}
	a.balance += n
}

// Balance reads.
func (b *Bank) Balance(id int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.accounts[id]; a != nil {
		return a.balance
	}
	return 0
}

// Payday deposits from goroutines.
func (b *Bank) Payday(ids []int) {
	for _, id := range ids {
		go b.Deposit(id, 1)
	}
}
