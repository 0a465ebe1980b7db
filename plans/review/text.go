// This file defines the terminal form of a plan.

package review

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mapmigrate/mapmigrate/plans"
)

// TextOptions says how Text writes.
type TextOptions struct {
	Color bool // with ANSI colours
	Diff  bool // with each site's diff
}

// Text writes the plan for a terminal: per site what was found and why, what would be
// done and why, or why nothing would be; then the counts and what to do next.
func Text(w io.Writer, p *plans.Plan, opts TextOptions) error {
	t := &text{opts: opts}
	sites := ranked(p)
	for i, s := range sites {
		t.site(s, sameDiff(sites[:i], s))
	}
	if !p.Complete {
		t.incomplete(p)
	}
	t.line("%s", t.bold(counts(p)+"."))
	if s := suppressed(p); s != "" {
		t.line("%s", s)
	}
	if p.Summary.Packages > 0 {
		t.line("Looked at %s in %s of %s.", plural(p.Summary.Maps, "map"), plural(p.Summary.Packages, "package"), clean(p.Module))
	}
	for _, warn := range p.Warnings {
		t.line("%s %s%s (%s)", t.paint("33", "warning:"), at(warn.Pos), clean(warn.Message), clean(warn.Code))
	}
	t.next(p)
	_, err := w.Write(t.buf.Bytes())
	return err
}

type text struct {
	buf  bytes.Buffer
	opts TextOptions
}

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(&t.buf, format, args...)
	t.buf.WriteByte('\n')
}

func (t *text) paint(code, s string) string {
	if !t.opts.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *text) bold(s string) string { return t.paint("1", s) }
func (t *text) dim(s string) string  { return t.paint("2", s) }

func (t *text) confidence(c string) string {
	switch c {
	case "confirmed", "high":
		return t.paint("31", c)
	case "medium":
		return t.paint("33", c)
	}
	return c
}

func (t *text) site(s, same *plans.Site) {
	t.line("%s  %s", t.bold(clean(s.Name)), clean(s.Type))
	kind := s.Kind
	if s.Nested {
		kind = "nested, " + kind
	}
	if n := len(s.Members); n > 0 {
		kind += fmt.Sprintf(", with %s that must change too", plural(n, "other variable"))
	}
	t.line("  %s", t.dim(fmt.Sprintf("%s  %s  id %s  %s", clean(s.Pos.String()), clean(kind), clean(s.ID), s.Status)))
	all := findings(s)
	if len(all) > 0 {
		f := all[0]
		t.line("  %s (%s): %s", t.bold(clean(f.Category)), t.confidence(f.Confidence), clean(f.Message))
		if f.Doubt != "" && f.Confidence == "low" {
			t.line("    not surer, since %s", clean(f.Doubt))
		}
		for i, a := range conflicting(f) {
			if i == 1 && sameAccess(f) {
				t.line("    and the same %s in another goroutine", clean(a.Op))
				break
			}
			t.access(a, s.Status != plans.Refused)
		}
	}
	if len(all) > 0 && all[len(all)-1].Baselined {
		t.line("    %s", t.dim("other findings of this map are in the baseline"))
	}
	if n := len(all) - 1; n > 0 {
		t.line("    %s", t.dim(fmt.Sprintf("and %s: mapmigrate explain %s", plural(n, "more finding"), clean(s.ID))))
	}
	if s.Status == plans.Refused {
		t.refusals(s)
	} else {
		t.proposal(s)
	}
	switch {
	case !t.opts.Diff || s.Diff == "":
	case same != nil:
		t.line("    the diff is that of %s", clean(same.Name))
	default:
		t.diff(s.Diff)
	}
	t.line("")
}

// access writes one access and how it comes to run, in at most four lines.
func (t *text) access(a plans.Access, path bool) {
	in := ""
	if a.Func != "" {
		in = " in " + clean(a.Func)
	}
	t.line("    %s at %s%s, %s", clean(a.Op), clean(a.Pos.String()), in, clean(locks(a)))
	if !path {
		return
	}
	for i, s := range a.Path {
		const most = 3
		if len(a.Path) > most && i == most-2 {
			t.line("      %s", t.dim(fmt.Sprintf("… %s", plural(len(a.Path)-most+1, "step"))))
		}
		if len(a.Path) > most && i >= most-2 && i < len(a.Path)-1 {
			continue
		}
		t.line("      %s", t.dim(clean(s.Pos.String())+"  "+clean(s.Note)))
	}
}

func (t *text) proposal(s *plans.Site) {
	t.line("  %s %s: %s", t.paint("32", "→"), t.bold(clean(s.Strategy.Name)), clean(s.Strategy.Reason))
	if len(s.Strategy.Rejected) > 0 {
		var not []string
		for _, r := range s.Strategy.Rejected {
			not = append(not, fmt.Sprintf("not %s: %s", clean(r.Name), clean(r.Reason)))
		}
		t.line("    %s", t.dim(strings.Join(not, "; ")))
	}
	for i, n := range s.Notes {
		const most = 2
		if i == most {
			t.line("    %s", t.dim(fmt.Sprintf("and %s: mapmigrate explain %s", plural(len(s.Notes)-most, "more note"), clean(s.ID))))
			break
		}
		t.line("    note: %s", clean(n))
	}
	added, removed := changes(s.Diff)
	size := fmt.Sprintf("%s, +%d -%d lines", plural(len(s.Files), "file"), added, removed)
	if r := s.RaceTest; r != nil && (r.Before != "" || r.After != "") {
		size += fmt.Sprintf("; race test (%s level): before %s, after %s", clean(r.Level), orNone(r.Before), orNone(r.After))
	}
	if len(s.CoupledWith) > 0 {
		size += "; only together with " + clean(strings.Join(s.CoupledWith, ", "))
	}
	t.line("    %s", size)
}

func orNone(outcome string) string {
	if outcome == "" {
		return "not run"
	}
	return clean(outcome)
}

func (t *text) refusals(s *plans.Site) {
	for i, r := range s.Refusals {
		const most = 3
		if i == most {
			t.line("    %s", t.dim(fmt.Sprintf("and %s: mapmigrate explain %s", plural(len(s.Refusals)-most, "more refusal"), clean(s.ID))))
			break
		}
		at := ""
		if r.Pos.File != "" {
			at = clean(r.Pos.String()) + ": "
		}
		t.line("  %s %s: %s%s", t.paint("33", "refused"), t.bold(clean(r.Code)), at, clean(r.Message))
		if r.Remedy != "" {
			t.line("    remedy: %s", clean(r.Remedy))
		}
	}
}

func (t *text) diff(diff string) {
	for line := range strings.Lines(cleanLines(diff)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			line = t.bold(line)
		case strings.HasPrefix(line, "@@"):
			line = t.paint("36", line)
		case strings.HasPrefix(line, "+"):
			line = t.paint("32", line)
		case strings.HasPrefix(line, "-"):
			line = t.paint("31", line)
		}
		t.line("    %s", line)
	}
}

func (t *text) incomplete(p *plans.Plan) {
	const most = 5
	t.line("%s Some packages could not be analysed, so maps may be missing here:", t.paint("33", "Incomplete."))
	for i, why := range p.Summary.Incomplete {
		if i == most {
			t.line("  and %d more", len(p.Summary.Incomplete)-most)
			break
		}
		t.line("  %s", clean(why))
	}
	t.line("")
}

// next names the command that moves the plan on.
func (t *text) next(p *plans.Plan) {
	status := map[plans.Status]int{}
	for _, s := range p.Sites {
		status[s.Status]++
	}
	switch {
	case status[plans.Proposed] > 0:
		t.line("Next: `mapmigrate review` to decide site by site (or `mapmigrate review --approve-all`), then `mapmigrate apply`.")
	case status[plans.Approved] > 0:
		t.line("Next: `mapmigrate apply` to apply what is approved.")
	case status[plans.Applied] > 0:
		t.line("Next: run your tests with -race; `mapmigrate undo` takes the last apply back.")
	case status[plans.Refused] > 0:
		t.line("Next: follow a remedy above; `mapmigrate explain CODE` tells more about a refusal.")
	}
}
