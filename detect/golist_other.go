//go:build !linux

package detect

import (
	"os"
	"runtime"
	"syscall"
)

// dieWithParent has nothing to offer here: children end when the context does.
func dieWithParent() *syscall.SysProcAttr { return nil }

func interrupt(p *os.Process) error {
	if runtime.GOOS == "windows" { // has no interrupt to send
		return p.Kill()
	}
	return p.Signal(os.Interrupt)
}
