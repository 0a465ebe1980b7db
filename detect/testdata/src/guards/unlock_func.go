// Correct shape: the locking method returns its unlock as a function value (defer s.lock()())
package guards

import "sync"

type ledger struct {
	mu       sync.Mutex
	balances map[string]int64
}

func (l *ledger) lock() func() {
	l.mu.Lock()
	return l.mu.Unlock
}

func (l *ledger) deposit(who string, n int64) {
	defer l.lock()()
	l.balances[who] += n
}

func (l *ledger) transfer(from, to string, n int64) bool {
	unlock := l.lock()
	defer unlock()
	if l.balances[from] < n {
		return false
	}
	l.balances[from] -= n
	l.balances[to] += n
	return true
}

func (l *ledger) Apply(orders <-chan [2]string) {
	for range 2 {
		go func() {
			for o := range orders {
				l.deposit(o[0], 10)
				l.transfer(o[0], o[1], 5)
			}
		}()
	}
}
