// This file defines the root command and what all commands share.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/plans/review"
)

// An env is what a command runs in.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	dir            string // -C
	started        bool   // a command's own code has begun: errors are no longer cobra's
	profile        profile
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "mapmigrate",
		Short: "Find maps that goroutines share, and rewrite them safely",
		Long: `mapmigrate finds maps that goroutines share without a consistent guard, shows the
two conflicting paths, plans a type-safe rewrite to a concurrent map, and proves it
with a race test that fails before and passes after. What it cannot do safely it
refuses, with a reason and a remedy.

Nothing is written to your sources but by apply and undo.`,
		Example: `  mapmigrate plan ./...                       see what is shared, and the diffs
  mapmigrate review                           approve or reject each site
  mapmigrate apply                            write what is approved
  mapmigrate apply --strategy=sharded ./...   all in one go`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVarP(&e.dir, "chdir", "C", "", "run as if started in `dir`")
	e.profile.add(root)
	root.AddCommand(newPlan(e), newReview(e), newApply(e), newUndo(e), newVerify(e), newReport(e), newExplain(e), newDifflog(e), newVersion(e))
	return root
}

// start wraps a command's code: an interrupted apply or undo is finished before
// anything else, and dir is the module's root.
func (e *env) start(do func(cmd *cobra.Command, args []string, dir string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		e.started = true
		if err := e.profile.start(); err != nil {
			return err
		}
		defer func() {
			if perr := e.profile.stop(); err == nil {
				err = perr
			}
		}()
		dir, err := moduleRoot(e.dir)
		if err != nil {
			return err
		}
		rec, err := plans.Recover(dir)
		if rec.Outcome != plans.Nothing {
			fmt.Fprintf(e.stderr, "mapmigrate: an interrupted %s was %s first (%s)\n", rec.Kind, rec.Outcome, strings.Join(rec.Files, ", "))
		}
		if err != nil {
			return err
		}
		return do(cmd, args, dir)
	}
}

// moduleRoot returns the directory of the go.mod that dir lies under.
func moduleRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if fi, err := os.Stat(abs); err != nil || !fi.IsDir() {
		return "", fmt.Errorf("%s is not a directory: give -C the directory of a Go module", dir)
	}
	for d := abs; ; d = filepath.Dir(d) {
		if fi, err := os.Stat(filepath.Join(d, "go.mod")); err == nil && !fi.IsDir() {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.mod in %s or above: run mapmigrate inside a Go module, or use -C dir", abs)
		}
	}
}

// save writes the plan to the module's .mapmigrate folder.
func save(dir string, p *plans.Plan) error {
	return plans.Save(dir, p, func(w io.Writer, p *plans.Plan) error {
		return review.Markdown(w, p, review.MarkdownOptions{})
	})
}

// output is where a command's data goes: a file when --out names one.
func (e *env) output(file string, write func(io.Writer) error) error {
	if file == "" || file == "-" {
		return write(e.stdout)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("cannot write --out: %w", err)
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// oneOf checks a flag that accepts a closed set of words.
func oneOf(flag, value string, accepted ...string) error {
	if slices.Contains(accepted, value) {
		return nil
	}
	return usagef("unknown --%s %q: use %s", flag, value, strings.Join(accepted, ", "))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
