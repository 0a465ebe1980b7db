// Package pg registers a driver.
package pg

import "cases/modregister/driver"

type pgDriver struct{}

func (pgDriver) Open(string) error { return nil }

func init() { driver.Register("pg", pgDriver{}) }
