package hub

import "sync"

// Imitates presence trackers: the row is fetched under the lock and used outside it.

// Presence knows which devices a user has online.
type Presence struct {
	mu      sync.RWMutex
	devices map[string]map[string]bool // racy
}

// NewPresence returns a tracker.
func NewPresence() *Presence { return &Presence{devices: make(map[string]map[string]bool)} }

// Online adds a device.
func (p *Presence) Online(user, device string) {
	p.mu.Lock()
	row := p.devices[user]
	if row == nil {
		row = make(map[string]bool)
		p.devices[user] = row
	}
	p.mu.Unlock()
	row[device] = true
}

// Count counts devices.
func (p *Presence) Count(user string) int {
	p.mu.RLock()
	row := p.devices[user]
	p.mu.RUnlock()
	return len(row)
}
