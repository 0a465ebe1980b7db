// This file defines the plan command, and how a plan is shown.

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/plans/review"
)

// formats are what a plan can be shown in.
var formats = []string{"text", "json", "sarif", "markdown"}

func newPlan(e *env) *cobra.Command {
	var f planFlags
	var format, out string
	var diff, exitCode bool
	cmd := &cobra.Command{
		Use:   "plan [packages]",
		Short: "Find shared maps and plan their rewrite",
		Long: `plan finds the maps that goroutines share without a consistent guard, chooses a form
for each, rewrites them in memory, checks the result, and shows it. The sources stay
as they are. The plan is kept in .mapmigrate (plan.json, plan.diff, plan.md) for
review, apply and verify.

A map that is not rewritten is refused, with a code that "mapmigrate explain CODE"
explains: "unsafe" refusals cannot be overridden; "unhelpful" ones, where a rewrite
would not be the cure, can, with an explicit --strategy or --scope=all.

A comment //mapmigrate:ignore REASON accepts what is found about a map or an access;
--baseline accepts what a file lists, so that CI stops at new findings only.
"mapmigrate explain config" tells what a module can say in .mapmigrate.yaml.

--evidence takes race detector logs and crash traces, as they are: they confirm the
maps that they name, and only those are shown (--evidence-all shows the rest, too).
CPU, mutex and block profiles weigh the choice of forms.`,
		Example: `  mapmigrate plan ./...
  mapmigrate plan -C examples/chathub --diff
  mapmigrate plan --evidence crash.log     only what the log proves, and why not the rest
  mapmigrate plan --strategy=sharded --scope=all ./internal/...
  mapmigrate plan --format=sarif --out=mapmigrate.sarif --exit-code ./...
  mapmigrate plan --baseline=mapmigrate-baseline.json --update-baseline ./...
  mapmigrate plan --baseline=mapmigrate-baseline.json --exit-code ./...`,
		RunE: e.start(func(cmd *cobra.Command, args []string, dir string) error {
			if err := oneOf("format", format, formats...); err != nil {
				return err
			}
			if err := f.configure(cmd, dir); err != nil {
				return err
			}
			if err := f.openBaseline(); err != nil {
				return err
			}
			p, root, err := e.makePlan(cmd.Context(), args, &f)
			if err != nil {
				return err
			}
			printEvidence(e.stderr, p)
			keepDecisions(root, p)
			if err := save(root, p); err != nil {
				return ours("saving the plan", err)
			}
			if err := e.output(out, func(w io.Writer) error { return show(w, root, p, format, diff) }); err != nil {
				return err
			}
			if exitCode && toActOn(p) {
				return errFindings
			}
			return nil
		}),
	}
	f.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&format, "format", "text", "text, json, sarif or markdown")
	fl.StringVar(&f.baseline, "baseline", "", "report only findings that `file` does not accept")
	fl.BoolVar(&f.updateBaseline, "update-baseline", false, "make the baseline accept what is found now, and no more")
	fl.StringVar(&out, "out", "", "write to `file` instead of standard output")
	fl.BoolVar(&diff, "diff", false, "show each site's diff in the text")
	fl.BoolVar(&exitCode, "exit-code", false, "exit with 3 when there are sites to act on")
	return cmd
}

// show writes a plan in one of formats.
func show(w io.Writer, dir string, p *plans.Plan, format string, diff bool) error {
	switch format {
	case "json":
		return plans.Encode(w, p)
	case "sarif":
		return review.SARIF(w, p, review.SARIFOptions{Prefix: plans.RepoPrefix(dir)})
	case "markdown":
		return review.Markdown(w, p, review.MarkdownOptions{})
	case "text":
		return review.Text(w, p, review.TextOptions{Color: isTerminal(w), Diff: diff})
	}
	return fmt.Errorf("no such format: %q", format)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}

// keepDecisions carries over what a reviewer decided in the plan that p replaces: a
// rejection for as long as the site exists, an approval while its diff is the same.
func keepDecisions(dir string, p *plans.Plan) {
	old, err := plans.Open(dir)
	if err != nil {
		return // none, or one that cannot be read: then nothing was decided
	}
	var approve, reject []string
	for _, s := range p.Sites {
		was := old.Site(s.ID)
		switch {
		case was == nil || s.Status != plans.Proposed:
		case was.Status == plans.Rejected:
			reject = append(reject, s.ID)
		case was.Status == plans.Approved && was.Diff == s.Diff:
			approve = append(approve, s.ID)
		}
	}
	// A couple of new sites can stand in the way: then the reviewer decides again.
	_, _ = p.Reject(reject...)
	_, _ = p.Approve(approve...)
}

// toActOn reports whether a plan holds something its reader has to do.
func toActOn(p *plans.Plan) bool {
	for _, s := range p.Sites {
		if s.Status == plans.Proposed || s.Status == plans.Approved {
			return true
		}
		for _, f := range s.Findings {
			if s.Status == plans.Refused && !detect.Category(f.Category).Quiet() {
				return true
			}
		}
	}
	return false
}
