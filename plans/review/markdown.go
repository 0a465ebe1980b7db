// This file defines the pull-request comment of a plan.

package review

import (
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mapmigrate/mapmigrate/plans"
)

// MarkdownLimit is the most bytes that Markdown writes. GitHub takes comments of
// 65,536 characters; a character has at least one byte, in whatever unit a host counts.
const MarkdownLimit = 65_000

// MarkdownOptions says how Markdown writes.
type MarkdownOptions struct {
	Limit int // bytes; 0 means MarkdownLimit
}

// Marker begins every comment, so that a bot finds its own and updates it.
const Marker = "<!-- mapmigrate -->"

// Markdown writes the plan as a comment for a pull request. Whatever the plan's size
// the comment stays within the limit: the diffs of the last-ranked sites are left out
// first, then their evidence, then the sites themselves, and a sentence says so.
func Markdown(w io.Writer, p *plans.Plan, opts MarkdownOptions) error {
	limit := opts.Limit
	if limit <= 0 {
		limit = MarkdownLimit
	}
	_, err := io.WriteString(w, markdown(p, limit))
	return err
}

func markdown(p *plans.Plan, limit int) string {
	head := markdownHead(p)
	sites := ranked(p)
	const reserve = 400 // for the sentence on what is left out
	if len(head) > limit-reserve {
		return clip(head, limit-len("…"))
	}
	left := limit - len(head) - reserve

	// Each site has three forms. All start in the shortest that fits; then, from the
	// first-ranked on, each that has room gets its evidence; then its diff. So what
	// is missing in the end is what matters least.
	type part struct{ short, evidence, full string }
	parts := make([]part, len(sites))
	chosen := make([]string, len(sites))
	shown := 0
	for i, s := range sites {
		evidence := markdownEvidence(s)
		parts[i] = part{
			short:    markdownSite(s, ""),
			evidence: markdownSite(s, evidence),
			full:     markdownSite(s, evidence+markdownDiff(s, sameDiff(sites[:i], s))),
		}
		if len(parts[i].short) > left {
			break
		}
		chosen[i] = parts[i].short
		left -= len(parts[i].short)
		shown++
	}
	grow := func(form func(part) string) (missing int) {
		for i := range shown {
			if more := len(form(parts[i])) - len(chosen[i]); more <= left {
				chosen[i] = form(parts[i])
				left -= more
			} else {
				missing++
			}
		}
		return missing
	}
	noEvidence := grow(func(p part) string { return p.evidence })
	noDiff := 0
	for i := range shown {
		if chosen[i] != parts[i].evidence {
			continue // no diff without the evidence for it
		}
		if more := len(parts[i].full) - len(chosen[i]); more <= left {
			chosen[i] = parts[i].full
			left -= more
		} else {
			noDiff++
		}
	}

	var b strings.Builder
	b.WriteString(head)
	if s := leftOut(noDiff+noEvidence, noEvidence, len(sites)-shown); s != "" {
		b.WriteString(s + "\n\n")
	}
	for _, c := range chosen[:shown] {
		b.WriteString(c)
	}
	return b.String()
}

// leftOut says what a reader does not see, and where it is.
func leftOut(diffs, evidence, sites int) string {
	var what []string
	if diffs > 0 {
		what = append(what, "the diff of "+plural(diffs, "site"))
	}
	if evidence > 0 {
		what = append(what, "the evidence of "+plural(evidence, "site"))
	}
	if sites > 0 {
		what = append(what, plural(sites, "whole site"))
	}
	if what == nil {
		return ""
	}
	return "> Left out, because a comment can only be so long: " + strings.Join(what, ", ") + ". `mapmigrate plan` shows everything."
}

func markdownHead(p *plans.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n### mapmigrate: maps shared between goroutines\n\n", Marker)
	fmt.Fprintf(&b, "%s.", prose(counts(p)))
	if said := suppressed(p); said != "" {
		b.WriteString(" " + prose(said))
	}
	b.WriteString("\n\n")
	const mostWarnings = 5
	for i, w := range p.Warnings {
		if i == mostWarnings {
			fmt.Fprintf(&b, "- and %d more warnings\n", len(p.Warnings)-i)
			break
		}
		fmt.Fprintf(&b, "- warning: %s%s\n", prose(at(w.Pos)), prose(clip(w.Message, 300)))
	}
	if len(p.Warnings) > 0 {
		b.WriteString("\n")
	}
	if !p.Complete {
		b.WriteString("**Incomplete**: some packages could not be analysed, so maps may be missing here.")
		const most = 5
		for i, why := range p.Summary.Incomplete {
			if i == most {
				fmt.Fprintf(&b, " And %d more.", len(p.Summary.Incomplete)-most)
				break
			}
			fmt.Fprintf(&b, "\n- %s", prose(clip(why, 300)))
		}
		b.WriteString("\n\n")
	}
	return b.String()
}

// markdownSite writes a site as a line that unfolds into body.
func markdownSite(s *plans.Site, body string) string {
	var about []string
	if f := findings(s); len(f) > 0 {
		about = append(about, f[0].Category+", "+f[0].Confidence)
	}
	if s.Status == plans.Refused {
		for _, r := range s.Refusals {
			about = append(about, "refused: "+r.Code)
		}
	} else {
		about = append(about, "→ "+s.Strategy.Name)
		if s.Status != plans.Proposed {
			about = append(about, string(s.Status))
		}
	}
	const most = 200 // no name in a plan may crowd out the others
	summary := fmt.Sprintf("<b><code>%s</code></b> <code>%s</code>, %s", tag(clip(s.Name, most)), tag(clip(s.Type, most)), tag(clip(strings.Join(about, "; "), 2*most)))
	if body == "" {
		return "- " + summary + " (" + code(clip(s.Pos.String(), most)) + ")\n"
	}
	return "<details><summary>" + summary + "</summary>\n\n" + body + "</details>\n\n"
}

// markdownEvidence writes why: the accesses as steps, the strategy, the refusals.
func markdownEvidence(s *plans.Site) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s, id %s\n\n", code(s.Kind), code(s.Pos.String()), code(s.ID))
	for _, f := range findings(s) {
		fmt.Fprintf(&b, "**%s** (%s): %s\n\n", prose(f.Category), prose(f.Confidence), prose(f.Message))
		if f.Doubt != "" {
			fmt.Fprintf(&b, "Not surer, since %s.\n\n", prose(f.Doubt))
		}
		for i, a := range conflicting(f) {
			if i == 1 && sameAccess(f) {
				fmt.Fprintf(&b, "2. the same %s in another goroutine\n", prose(a.Op))
				break
			}
			in := ""
			if a.Func != "" {
				in = " in " + code(a.Func)
			}
			fmt.Fprintf(&b, "%d. %s at %s%s, %s\n", i+1, prose(a.Op), code(a.Pos.String()), in, prose(locks(a)))
			for _, step := range a.Path {
				fmt.Fprintf(&b, "   - %s %s\n", code(step.Pos.String()), prose(step.Note))
			}
		}
		if len(f.Accesses) > 0 {
			b.WriteString("\n")
		}
	}
	if s.Status == plans.Refused {
		for _, r := range s.Refusals {
			fmt.Fprintf(&b, "**Refused, %s**: %s", prose(r.Code), prose(r.Message))
			if r.Pos.File != "" {
				fmt.Fprintf(&b, " (%s)", code(r.Pos.String()))
			}
			if r.Remedy != "" {
				fmt.Fprintf(&b, "\nWhat you can do: %s", prose(r.Remedy))
			}
			b.WriteString("\n\n")
		}
		return b.String()
	}
	fmt.Fprintf(&b, "**Target: %s**, because %s\n", prose(s.Strategy.Name), prose(s.Strategy.Reason))
	if len(s.Strategy.Rejected) > 0 {
		b.WriteString("\n| not | because |\n|---|---|\n")
		for _, r := range s.Strategy.Rejected {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(r.Name), cell(r.Reason))
		}
	}
	b.WriteString("\n")
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "- Note: %s\n", prose(n))
	}
	if len(s.CoupledWith) > 0 {
		fmt.Fprintf(&b, "- Only together with %s\n", code(strings.Join(s.CoupledWith, ", ")))
	}
	if t := s.RaceTest; t != nil && (t.Before != "" || t.After != "") {
		fmt.Fprintf(&b, "- Race test %s (%s level): before %s, after %s\n", code(t.Name), prose(t.Level), prose(orNone(t.Before)), prose(orNone(t.After)))
	}
	if !strings.HasSuffix(b.String(), "\n\n") {
		b.WriteString("\n")
	}
	return b.String()
}

// markdownDiff writes the site's diff, or says with which earlier site it shares it.
func markdownDiff(s, same *plans.Site) string {
	if s.Diff == "" {
		return ""
	}
	if same != nil {
		return "The diff is that of " + code(same.Name) + ".\n\n"
	}
	diff := cleanLines(s.Diff)
	if !strings.HasSuffix(diff, "\n") {
		diff += "\n"
	}
	fence := strings.Repeat("`", max(3, 1+longestRun(diff, '`')))
	return fence + "diff\n" + diff + fence + "\n\n"
}

// code writes s as inline code that nothing in s can end.
func code(s string) string {
	s = clean(s)
	n := longestRun(s, '`')
	if n == 0 && strings.TrimSpace(s) != "" {
		return "`" + s + "`"
	}
	fence := strings.Repeat("`", n+1)
	return fence + " " + s + " " + fence
}

// prose writes s as text in which only paired backticks keep their meaning.
func prose(s string) string { return proseWith(s, code) }

// cell is prose inside a table, where a pipe ends the cell even in code.
func cell(s string) string {
	return proseWith(s, func(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) })
}

func proseWith(s string, code func(string) string) string {
	parts := strings.Split(clean(s), "`")
	if len(parts)%2 == 0 {
		return mark(strings.Join(parts, "`"))
	}
	var b strings.Builder
	for i, part := range parts {
		switch {
		case i%2 == 0:
			b.WriteString(mark(part))
		case strings.TrimSpace(part) == "":
			b.WriteString(mark("`" + part + "`"))
		default:
			b.WriteString(code(part))
		}
	}
	return b.String()
}

// marks escapes what Markdown or a host would read as markup. The empty comments keep
// hosts from notifying people and from making links.
var marks = func() *strings.Replacer {
	pairs := []string{
		"&", "&amp;", "<", "&lt;", ">", "&gt;",
		"@", "@<!-- -->", "#", "#<!-- -->", "://", ":<!-- -->//", "www.", "www<!-- -->.",
	}
	for _, c := range "\\`*_{}[]!|~$" {
		pairs = append(pairs, string(c), `\`+string(c))
	}
	return strings.NewReplacer(pairs...)
}()

func mark(s string) string { return marks.Replace(s) }

// tag writes s for the inside of an HTML element.
func tag(s string) string {
	s = html.EscapeString(clean(s))
	return strings.NewReplacer(`\`, "&#92;", "@", "@<!-- -->", "`", "&#96;", "*", "&#42;", "_", "&#95;", "[", "&#91;", "]", "&#93;", "~", "&#126;", "|", "&#124;", "$", "&#36;").Replace(s)
}

// clip shortens s to about n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
