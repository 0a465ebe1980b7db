// Correct shape: a session keeps the method of what a registry, known as an interface, has looked up, and one goroutine calls it (dcrd subscriptions)
package dispatch

type ledger struct{ balance map[string]int }

func (l *ledger) credit(who string) {
	l.balance[who]++
}

type ledgers interface{ main() *ledger }

type bank struct{ l *ledger }

func (b *bank) main() *ledger { return b.l }

type teller struct {
	books  ledgers
	credit func(who string)
}

func newTeller(l ledgers) *teller {
	t := &teller{books: l}
	t.credit = t.books.main().credit
	return t
}

// OpenTeller serves customers.
func OpenTeller(customers chan string) {
	t := newTeller(&bank{l: &ledger{balance: map[string]int{}}})
	go func() {
		for who := range customers {
			t.credit(who)
		}
	}()
}
