package config

import "sync"

// Imitates feature flags that are evaluated without the lock that guards their changes.

// Flags switch features.
type Flags struct {
	sync.RWMutex
	on map[string]bool // racy
}

// NewFlags switches features on.
func NewFlags(names ...string) *Flags {
	f := &Flags{on: map[string]bool{}}
	for _, n := range names {
		f.on[n] = true
	}
	return f
}

// Switch switches a feature.
func (f *Flags) Switch(name string, on bool) {
	f.Lock()
	f.on[name] = on
	f.Unlock()
}

// All returns a copy.
func (f *Flags) All() map[string]bool {
	f.RLock()
	defer f.RUnlock()
	out := map[string]bool{}
	for k, v := range f.on {
		out[k] = v
	}
	return out
}

// On evaluates a flag, often.
func (f *Flags) On(name string) bool { return f.on[name] }
