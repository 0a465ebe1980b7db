// This file tells the three kinds of errors apart and gives each its exit code.

package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 3 // with --exit-code: there are sites to act on
)

// errFindings ends a command that has done its work with exitFindings.
var errFindings = errors.New("there are sites to act on")

// A usageError is a wrong command line: the person at the shell can mend it.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// A bugError is our fault, not the user's.
type bugError struct {
	doing string
	err   error
}

func (e *bugError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *bugError) Unwrap() error { return e.err }

// ours marks err as a bug of mapmigrate unless it is known to have another cause.
func ours(doing string, err error) error {
	var load *detect.LoadError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &load), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return &bugError{doing, err}
}

// exitCode prints err in the form of its kind and returns its code.
func (e *env) exitCode(cmd *cobra.Command, err error) int {
	var usage *usageError
	var planUsage *plans.UsageError
	var bug *bugError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	case !e.started || errors.As(err, &usage) || errors.As(err, &planUsage):
		// Before a command starts, cobra rejects names, flags and arguments.
		fmt.Fprintf(e.stderr, "mapmigrate: %s\n", strings.TrimSpace(err.Error()))
		fmt.Fprintf(e.stderr, "usage: %s\nsee %s --help\n", cmd.UseLine(), cmd.CommandPath())
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.stderr, "mapmigrate: interrupted")
		return exitFailed
	case errors.As(err, &bug):
		fmt.Fprintf(e.stderr, "mapmigrate: this is a bug in mapmigrate: %s\nNo source file was changed. Please report it with this text and, if you can, the code.\n", bug)
		return exitFailed
	}
	fmt.Fprintf(e.stderr, "mapmigrate: %s\n", err)
	return exitFailed
}

// reportPanic turns a panic into a report and an exit code; there is no way on.
func (e *env) reportPanic(code *int) {
	if p := recover(); p != nil {
		fmt.Fprintf(e.stderr, "mapmigrate: this is a bug in mapmigrate: %v\nPlease report it with this text and, if you can, the code.\n%s", p, debug.Stack())
		*code = exitFailed
	}
}
