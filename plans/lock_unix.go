// This file defines the lock between two mapmigrate processes, where the system has one
// that ends with its holder.

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package plans

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps other processes from changing files here until unlock is called. A
// process that is killed holds it no longer, which a lock file alone could not tell.
func (d *disk) lock() (unlock func(), err error) {
	f, err := d.root.OpenFile(filepath.FromSlash(Folder+"/lock"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errBusy
		}
		// Some network file systems have no locks: go on without, as elsewhere.
		return func() {}, nil
	}
	return func() { f.Close() }, nil
}
