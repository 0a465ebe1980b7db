// Package agent runs inputs, one goroutine each, and gathers from all of them periodically.
package agent

import "time"

// An Input is a plugin.
type Input interface {
	Start(emit func(string)) error
	Gather() error
}

// An Agent drives inputs.
type Agent struct {
	Inputs []Input
}

func (a *Agent) Run(stop <-chan struct{}, emit func(string)) error {
	for _, in := range a.Inputs {
		if err := in.Start(emit); err != nil {
			return err
		}
	}
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Second):
			for _, in := range a.Inputs {
				go func() { _ = in.Gather() }()
			}
		}
	}
}
