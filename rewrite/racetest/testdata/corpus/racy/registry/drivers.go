package registry

import (
	"errors"
	"sync"
)

// Imitates temporal's hostEnvImpl: registration under a lock, a list built without it.

type driverSet struct {
	mu      sync.Mutex
	drivers map[string]func() error // racy
}

// NewDriverSet returns an empty set.
func NewDriverSet() *driverSet { return &driverSet{drivers: map[string]func() error{}} }

// Register adds a driver, once.
func (s *driverSet) Register(name string, open func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, dup := s.drivers[name]; dup {
		return errors.New("registered twice: " + name)
	}
	s.drivers[name] = open
	return nil
}

// Names lists what is registered.
func (s *driverSet) Names() []string {
	var names []string
	for n := range s.drivers {
		names = append(names, n)
	}
	return names
}

// Open opens a driver.
func (s *driverSet) Open(name string) error {
	s.mu.Lock()
	open := s.drivers[name]
	s.mu.Unlock()
	if open == nil {
		return errors.New("unknown driver")
	}
	return open()
}
