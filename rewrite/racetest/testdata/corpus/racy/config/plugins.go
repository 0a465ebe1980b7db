package config

import (
	"fmt"
	"sync"
)

// Imitates plugin managers with functional options and an injected logger.

// A Logger logs.
type Logger interface {
	Printf(format string, args ...any)
}

// An Option configures a Manager.
type Option func(*Manager)

// WithLogger sets the logger.
func WithLogger(l Logger) Option { return func(m *Manager) { m.log = l } }

// A Manager loads plugins.
type Manager struct {
	log    Logger
	loaded map[string]int // racy
}

// NewManager returns a manager.
func NewManager(log Logger, opts ...Option) *Manager {
	m := &Manager{log: log, loaded: map[string]int{}}
	for _, o := range opts {
		o(m)
	}
	return m
}

// Load loads a plugin, once.
func (m *Manager) Load(name string) error {
	if m.loaded[name] > 0 {
		m.loaded[name]++
		return fmt.Errorf("%s is loaded", name)
	}
	m.loaded[name] = 1
	m.log.Printf("loaded %s", name)
	return nil
}

// LoadAll loads plugins at the same time.
func (m *Manager) LoadAll(names ...string) {
	var wg sync.WaitGroup
	for _, n := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := m.Load(n); err != nil {
				m.log.Printf("%v", err)
			}
		}()
	}
	wg.Wait()
}
