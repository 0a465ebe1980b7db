// This file defines apply and undo, the two commands that change sources.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
)

func newApply(e *env) *cobra.Command {
	var f planFlags
	var allowDirty bool
	cmd := &cobra.Command{
		Use:   "apply [packages]",
		Short: "Write the approved sites, or plan and write in one go",
		Long: `apply without packages and without --strategy writes the sites of the saved plan that
are approved. With packages or a strategy it plans first and writes every site it can.

The result is checked once more before anything is written: it type-checks and
compiles. All files are written or none; "mapmigrate undo" brings the bytes back.`,
		Example: `  mapmigrate plan ./... && mapmigrate review && mapmigrate apply
  mapmigrate apply --strategy=sharded ./...
  mapmigrate apply --min-confidence=high ./internal/...`,
		RunE: e.start(func(cmd *cobra.Command, args []string, dir string) error {
			if err := f.configure(cmd, dir); err != nil {
				return err
			}
			direct := len(args) > 0 || cmd.Flags().Changed("strategy") || cmd.Flags().Changed("scope")
			p, err := e.toApply(cmd.Context(), dir, args, &f, direct)
			if err != nil {
				return err
			}
			if direct {
				e.printRefused(p)
			}
			return e.apply(cmd.Context(), dir, p, &f, allowDirty)
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&allowDirty, "allow-dirty", false, "write over uncommitted changes")
	return cmd
}

// toApply returns the saved plan, or a new one of which every site is approved.
func (e *env) toApply(ctx context.Context, dir string, args []string, f *planFlags, direct bool) (*plans.Plan, error) {
	if !direct {
		return plans.Open(dir)
	}
	p, _, err := e.makePlan(ctx, args, f)
	if err != nil {
		return nil, err
	}
	if len(p.ApproveAll()) == 0 {
		return p, nil // nothing to write: the saved plan stays, with what it says of an earlier apply
	}
	return p, save(dir, p)
}

// apply writes what is approved, after all gates have passed on exactly that.
func (e *env) apply(ctx context.Context, dir string, p *plans.Plan, f *planFlags, allowDirty bool) error {
	pr := newProgress(e.stderr)
	defer pr.end()
	check := func(files map[string][]byte) error {
		pr.step("checking the result")
		prog, err := load(dir, folders(dir, files), f.tags, testImports...)
		if err != nil {
			return err
		}
		return ours("checking the result of apply", rewrite.Check(ctx, prog, files, f.rewriteOptions(pr)))
	}
	apply := func() (*plans.ApplyResult, error) {
		return plans.Apply(dir, p, nil, plans.ApplyOptions{Check: check, AllowDirty: allowDirty})
	}
	res, err := apply()
	var bug *bugError
	if errors.As(err, &bug) && dropRaceTests(p) {
		// A test is written for the whole plan migrated. Where only some of its sites are
		// applied, it may not fit: the sites do without.
		if res, err = apply(); err == nil {
			fmt.Fprintln(e.stderr, "mapmigrate: the race tests are left out: they need sites that are not applied")
		}
	}
	if err != nil {
		return err
	}
	if len(res.Applied) > 0 {
		if err := save(dir, p); err != nil { // plan.diff and plan.md follow plan.json
			return err
		}
	}
	pr.end()
	e.printApplied(p, res)
	e.warnStale(dir, p)
	return nil
}

// warnStale says that the files have changed under a plan of which nothing is applied: what it still
// asks to decide is out of date.
func (e *env) warnStale(dir string, p *plans.Plan) {
	var ids []string
	for _, s := range p.Sites {
		switch s.Status {
		case plans.Applied:
			return
		case plans.Proposed, plans.Rejected:
			ids = append(ids, p.Unit(s.ID)...)
		}
	}
	var stale *plans.StaleError
	if _, err := p.Compose(os.DirFS(dir), ids); errors.As(err, &stale) {
		fmt.Fprintf(e.stderr, "mapmigrate: %v\n", stale)
	}
}

// folders returns the folders of files that exist, as package patterns: what has to
// type-check for apply, whatever the state of the rest of the module.
func folders(dir string, files map[string][]byte) []string {
	var out []string
	for file := range files {
		folder := path.Dir(file)
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(folder))); err == nil {
			out = append(out, "./"+folder)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (e *env) printApplied(p *plans.Plan, res *plans.ApplyResult) {
	for _, id := range res.Applied {
		s := p.Site(id)
		becomes := fmt.Sprintf("%s → %s", s.Type, s.Strategy.Name)
		if advise.KeepsType(s.Strategy.Name) {
			becomes = "guarded"
		}
		fmt.Fprintf(e.stdout, "applied  %s  %s\n", s.Name, becomes)
	}
	for _, file := range res.Files {
		fmt.Fprintf(e.stdout, "wrote    %s\n", file)
	}
	fmt.Fprintf(e.stdout, "%s written, %d skipped, %d refused (%s changed).\n",
		plural(len(res.Applied), "site"), len(res.Skipped), len(res.Refused), plural(res.Written, "file"))
	switch {
	case len(res.Applied) > 0:
		fmt.Fprintln(e.stdout, "Take it back with: mapmigrate undo")
	case len(res.Skipped) > 0:
		fmt.Fprintln(e.stdout, "Sites are skipped until they are approved: mapmigrate review")
	}
}

// printRefused says why sites are left out, in one line each: nobody has seen the plan.
func (e *env) printRefused(p *plans.Plan) {
	for _, s := range p.Sites {
		if s.Status == plans.Refused {
			r := s.Refusals[0]
			fmt.Fprintf(e.stdout, "refused  %s  %s: %s: %s\n", s.Name, r.Code, r.Pos, printable(r.Message))
		}
	}
}

func newUndo(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "undo",
		Short: "Take back the last apply, byte for byte",
		Long: `undo restores every file that the last apply wrote to the bytes it had before, removes
the files that apply created, and marks the sites approved again. Files that were
changed since are never overwritten: undo then stops and names them.`,
		Example: `  mapmigrate undo`,
		Args:    cobra.NoArgs,
		RunE: e.start(func(cmd *cobra.Command, _ []string, dir string) error {
			res, err := plans.Undo(dir)
			if err != nil {
				return err
			}
			if p, err := plans.Open(dir); err == nil {
				if err := save(dir, p); err != nil {
					return err
				}
			}
			restored := slices.DeleteFunc(slices.Clone(res.Files), func(f string) bool { return slices.Contains(res.Removed, f) })
			if len(restored) > 0 {
				fmt.Fprintf(e.stdout, "%s restored: %s\n", plural(len(restored), "file"), strings.Join(restored, ", "))
			}
			if len(res.Removed) > 0 {
				fmt.Fprintf(e.stdout, "%s removed: %s\n", plural(len(res.Removed), "file"), strings.Join(res.Removed, ", "))
			}
			return nil
		}),
	}
}
