// This file defines the explain command: what a code means, and all that is known of a site.

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/rewrite"
	"github.com/mapmigrate/mapmigrate/rewrite/racetest"
)

func newExplain(e *env) *cobra.Command {
	test := false
	cmd := &cobra.Command{
		Use:   "explain [CODE | SITE]",
		Short: "Say what a code means, or show all evidence of a site",
		Long: `explain CODE prints the meaning of a finding's category or a refusal's code.
explain config documents .mapmigrate.yaml.
explain SITE prints everything the saved plan knows of a site (by id or name).
explain SITE --test prints the site's race test for the code as it is: for one that is
refused, and that you fix by hand, it fails until you have.
Without an argument it lists the codes.`,
		Example: `  mapmigrate explain take-lock
  mapmigrate explain chathub.Hub.rooms
  mapmigrate explain chathub.Hub.rooms --test > chathub/rooms_race_test.go
  mapmigrate explain config
  mapmigrate explain`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.started = true
			if test && len(args) == 0 {
				return usagef("--test prints the race test of a site: name one")
			}
			if len(args) == 0 {
				listCodes(e.stdout)
				return nil
			}
			if test {
				return e.site(cmd, args[0], e.printTest)
			}
			if args[0] == "config" {
				writeConfigHelp(e.stdout)
				return nil
			}
			if i := slices.IndexFunc(codes(), func(c code) bool { return c.name == args[0] }); i >= 0 {
				writeCode(e.stdout, codes()[i])
				return nil
			}
			return e.site(cmd, args[0], func(s *plans.Site, dir string) error {
				writeSite(e.stdout, s, dir)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&test, "test", false, "print the site's race test for the code as it is")
	return cmd
}

// printTest prints the source of a site's race test, where it is to be put and where to run it.
func (e *env) printTest(s *plans.Site, dir string) error {
	switch t := s.RaceTest; {
	case t == nil:
		return fmt.Errorf("%s has no race test: it was planned with --no-race-tests", s.Name)
	case t.BeforeSource == "":
		return fmt.Errorf("%s has no race test: %s", s.Name, strings.TrimPrefix(describeTest(t), "none: "))
	default:
		fmt.Fprintf(e.stderr, "mapmigrate: this is %s; run it with go test -race -run '^%s$' %s\n", t.File, t.Name, packageOf(t.File))
		if t.Level != racetest.Program {
			fmt.Fprintf(e.stderr, "mapmigrate: it calls nothing of yours (%s), so it fails whatever you change\n", t.Reason)
		}
		_, err := io.WriteString(e.stdout, t.BeforeSource)
		return err
	}
}

// site does something with a site of the saved plan.
func (e *env) site(cmd *cobra.Command, name string, do func(s *plans.Site, dir string) error) error {
	if _, err := moduleRoot(e.dir); err != nil {
		return usagef("%q is no code%s: run mapmigrate explain for a list", name, nearestCode(name))
	}
	find := e.start(func(_ *cobra.Command, _ []string, dir string) error {
		p, err := plans.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return usagef("%q is no code%s, and there is no plan here that could have such a site: run mapmigrate plan", name, nearestCode(name))
		}
		if err != nil {
			return err
		}
		ids, err := p.Select(name)
		if err != nil {
			if near := nearestCode(name); near != "" {
				return usagef("%q is no code%s, and no site of the plan either: %v", name, near, err)
			}
			if strings.Contains(name, ".") && !strings.Contains(err.Error(), "did you mean") {
				return usagef("%v; a map that no finding of the plan's confidence names is in it with --min-confidence=low or --scope=all", err)
			}
			return err
		}
		return do(p.Site(ids[0]), dir)
	})
	return find(cmd, nil)
}

// A code is a category or a refusal code with its documentation.
type code struct {
	name, kind, title, text string
}

// codes joins what the rooms document of their own codes, sorted.
func codes() []code {
	var all []code
	for _, d := range detect.Docs() {
		all = append(all, code{string(d.Code), "finding", d.Title, d.Text})
	}
	for _, d := range append(slices.Clone(detect.ProblemDocs()), staleBaselineDoc) {
		all = append(all, code{string(d.Code), "warning", d.Title, d.Text})
	}
	for _, d := range advise.Docs() {
		all = append(all, code{d.Code, "refusal, " + d.Class, d.Title, d.Text})
	}
	for _, d := range rewrite.Docs() {
		all = append(all, code{d.Code, "refusal, " + d.Class, d.Title, d.Text + "\n\nWhat to do: " + d.Remedy + "."})
	}
	slices.SortStableFunc(all, func(a, b code) int { return strings.Compare(a.name, b.name) })
	return all
}

func writeCode(w io.Writer, c code) {
	fmt.Fprintf(w, "%s (%s): %s\n\n%s\n", c.name, c.kind, c.title, strings.TrimSpace(c.text))
}

func listCodes(w io.Writer) {
	width := 0
	for _, c := range codes() {
		width = max(width, len(c.name))
	}
	for _, kind := range []string{"finding", "refusal, " + plans.Unhelpful, "refusal, " + plans.Unsafe, "warning"} {
		fmt.Fprintf(w, "%s:\n", kind)
		for _, c := range codes() {
			if c.kind == kind {
				fmt.Fprintf(w, "  %-*s  %s\n", width, c.name, c.title)
			}
		}
	}
}

// nearestCode returns " (did you mean …?)" with the codes closest to name, or "".
func nearestCode(name string) string {
	type near struct {
		name     string
		distance int
	}
	var found []near
	for _, c := range codes() {
		d := plans.Distance(strings.ToLower(name), c.name)
		if d <= max(2, len(c.name)/3) || len(name) > 2 && strings.Contains(c.name, strings.ToLower(name)) {
			found = append(found, near{c.name, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, n := range found[:min(3, len(found))] {
		names = append(names, n.name)
	}
	if len(names) == 0 {
		return ""
	}
	return " (did you mean " + strings.Join(names, " or ") + "?)"
}

// writeSite prints everything a plan knows of a site but its race test's source; the lines of
// the accesses as they are in the module at dir now.
func writeSite(w io.Writer, s *plans.Site, dir string) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	kind := s.Kind
	if s.Nested {
		kind = "nested " + kind
	}
	line("%s  %s", s.Name, s.Type)
	line("  %s  %s of %s  id %s  %s", s.Pos, kind, s.Package, s.ID, s.Status)
	for _, m := range s.Members {
		line("  with %s at %s", m.Name, m.Pos)
	}
	for _, f := range s.Findings {
		line("\n%s (%s): %s", f.Category, f.Confidence, f.Message)
		if f.Doubt != "" {
			line("  not surer, since %s", f.Doubt)
		}
		for _, a := range f.Accesses {
			held := "no lock"
			if len(a.Locks) > 0 {
				held = "holding " + strings.Join(a.Locks, ", ")
			}
			line("  %s at %s in %s, %s", a.Op, a.Pos, a.Func, held)
			if text := sourceLine(dir, a.Pos); text != "" {
				line("    > %s", text)
			}
			if len(a.Contexts) > 0 {
				line("    run by %s", strings.Join(a.Contexts, "; "))
			}
			for _, step := range a.Path {
				line("    %s  %s", step.Pos, step.Note)
			}
		}
	}
	for _, r := range s.Refusals {
		line("\nrefused %s (%s): %s: %s", r.Code, r.Class, r.Pos, r.Message)
		for _, step := range r.Related {
			line("    %s  %s", step.Pos, step.Note)
		}
		if r.Remedy != "" {
			line("  remedy: %s", r.Remedy)
		}
	}
	line("\nform: %s: %s", s.Strategy.Name, s.Strategy.Reason)
	for _, r := range s.Strategy.Rejected {
		line("  not %s: %s", r.Name, r.Reason)
	}
	for _, n := range s.Notes {
		line("note: %s", n)
	}
	for _, id := range s.CoupledWith {
		line("only together with %s", id)
	}
	if t := s.RaceTest; t != nil {
		line("\nrace test: %s", describeTest(t))
	}
	if s.Diff != "" {
		line("\n%s", strings.TrimSuffix(s.Diff, "\n"))
	}
	io.WriteString(w, printable(b.String()))
}

// sourceLine returns a line of the module's source without its indentation, "" when it
// cannot be read.
func sourceLine(dir string, pos plans.Pos) string {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(pos.File)))
	if err != nil || pos.Line < 1 {
		return ""
	}
	lines := bytes.SplitN(data, []byte("\n"), pos.Line+1)
	if len(lines) < pos.Line {
		return ""
	}
	return string(bytes.TrimSpace(lines[pos.Line-1]))
}

// printable shows control characters that source code may hold as escapes, so that a
// plan cannot steer the terminal.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
