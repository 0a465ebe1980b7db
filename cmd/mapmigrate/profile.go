// This file measures the program itself, for those who work on its speed.

package main

import (
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/spf13/cobra"
)

// A profile is what the hidden flags of the root command ask to write.
type profile struct {
	cpu, mem string // files
	out      *os.File
}

func (p *profile) add(root *cobra.Command) {
	fl := root.PersistentFlags()
	fl.StringVar(&p.cpu, "cpuprofile", "", "write a CPU profile of this run to `file`")
	fl.StringVar(&p.mem, "memprofile", "", "write a profile of all allocations to `file`")
	for _, name := range []string{"cpuprofile", "memprofile"} {
		_ = fl.MarkHidden(name)
	}
}

// start begins what is asked for. The command may fail: stop writes what there is.
func (p *profile) start() error {
	if p.mem != "" {
		runtime.MemProfileRate = 64 << 10
	}
	if p.cpu == "" {
		return nil
	}
	f, err := os.Create(p.cpu)
	if err != nil {
		return err
	}
	p.out = f
	return pprof.StartCPUProfile(f)
}

func (p *profile) stop() error {
	if p.out != nil {
		pprof.StopCPUProfile()
		if err := p.out.Close(); err != nil {
			return err
		}
	}
	if p.mem == "" {
		return nil
	}
	f, err := os.Create(p.mem)
	if err != nil {
		return err
	}
	defer f.Close()
	return pprof.Lookup("allocs").WriteTo(f, 0)
}
