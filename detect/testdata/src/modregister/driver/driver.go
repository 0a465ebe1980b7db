// Correct shape: an exported Register is called by the init functions of other packages, Open only reads (image formats, sql drivers without a lock)
package driver

import "errors"

// A Driver opens connections.
type Driver interface{ Open(dsn string) error }

var drivers = map[string]Driver{}

// Register makes a driver known. Call it from an init function.
func Register(name string, d Driver) {
	if drivers[name] != nil {
		panic("driver: registered twice: " + name)
	}
	drivers[name] = d
}

// Open opens a connection.
func Open(name, dsn string) error {
	d, ok := drivers[name]
	if !ok {
		return errors.New("driver: unknown " + name)
	}
	return d.Open(dsn)
}
