// This file defines the version command.

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/safemap"
)

func newVersion(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    `version prints the tool's version, the versions of the plan format and of the runtime it emits, and the Go version it was built with.`,
		Example: `  mapmigrate version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			e.started = true
			fmt.Fprintf(e.stdout, "mapmigrate %s (plan format %d, runtime %d, %s)\n", toolVersion(), plans.FormatVersion, safemap.Version, runtime.Version())
			return nil
		},
	}
}

// toolVersion is the module's version, or devel for a build from a checkout, whose
// stamp would make the same plan differ from one build to the next.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel"
		}
	}
	return info.Main.Version
}
