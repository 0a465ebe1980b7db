package detect

import (
	"os"
	"syscall"
)

// dieWithParent makes a child end when this process ends, however that happens.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }
