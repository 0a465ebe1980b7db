package cache

import (
	"strings"
	"sync"
)

// Imitates nats-server's permission cache: one reader checks and fills it without the
// client's lock.

// Permissions says who may publish where.
type Permissions struct {
	mu     sync.Mutex
	deny   []string
	pcache map[string]bool // racy
}

// NewPermissions denies the subjects.
func NewPermissions(deny ...string) *Permissions {
	return &Permissions{deny: deny, pcache: make(map[string]bool)}
}

// MayPublish answers from the cache, or finds out.
func (p *Permissions) MayPublish(subject string) bool {
	if ok, cached := p.pcache[subject]; cached {
		return ok
	}
	ok := true
	for _, d := range p.deny {
		ok = ok && !strings.HasPrefix(subject, d)
	}
	p.pcache[subject] = ok
	return ok
}

// Deny denies one more subject and forgets what was decided.
func (p *Permissions) Deny(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deny = append(p.deny, subject)
	clear(p.pcache)
}
