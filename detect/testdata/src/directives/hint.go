// Racy shape: half of the accesses take the wrong one of two locks, and a comment for people says which is right
package directives

import "sync"

type Ledger struct {
	auditMu sync.Mutex
	bookMu  sync.Mutex

	// entries by number, protected by bookMu.
	entries map[int]string
}

func (l *Ledger) Book(n int, s string) { l.bookMu.Lock(); l.entries[n] = s; l.bookMu.Unlock() }
func (l *Ledger) Read(n int) string {
	l.bookMu.Lock()
	defer l.bookMu.Unlock()
	return l.entries[n]
}

func (l *Ledger) Audit(n int, s string) {
	l.auditMu.Lock()
	l.entries[n] = s // want `wrong-lock: .* holds Ledger.auditMu but not Ledger.bookMu`
	l.auditMu.Unlock()
}

func (l *Ledger) Last(n int) string {
	l.auditMu.Lock()
	defer l.auditMu.Unlock()
	return l.entries[n]
}
