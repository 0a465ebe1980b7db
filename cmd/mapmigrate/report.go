// This file defines the report command.

package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/plans"
)

func newReport(e *env) *cobra.Command {
	var format, out, diffBase string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Render the saved plan for a pull request or a code-scanning service",
		Long: `report renders the saved plan: markdown is a pull request's comment (at most 65,000
characters, with evidence and diffs folded), sarif is SARIF 2.1.0 with a code flow
for each of the two conflicting accesses.

--diff-base limits it to the findings in which a changed line has a part: the declaration
of the map, one of the two accesses, or a step on the way to it. Lines are compared
with the work tree, so run plan first.`,
		Example: `  mapmigrate report --format=markdown --out=comment.md
  mapmigrate report --format=sarif > mapmigrate.sarif
  mapmigrate report --diff-base=origin/main`,
		Args: cobra.NoArgs,
		RunE: e.start(func(cmd *cobra.Command, _ []string, dir string) error {
			if err := oneOf("format", format, "markdown", "sarif"); err != nil {
				return err
			}
			p, err := plans.Open(dir)
			if err != nil {
				return err
			}
			if diffBase != "" {
				lines, err := changedLines(cmd.Context(), dir, diffBase)
				if err != nil {
					return err
				}
				p = limitTo(p, lines)
			}
			return e.output(out, func(w io.Writer) error { return show(w, dir, p, format, false) })
		}),
	}
	cmd.Flags().StringVar(&format, "format", "markdown", "markdown or sarif")
	cmd.Flags().StringVar(&diffBase, "diff-base", "", "only what the changes since `commit` (a branch or any other ref) have a part in")
	cmd.Flags().StringVar(&out, "out", "", "write to `file` instead of standard output")
	return cmd
}
