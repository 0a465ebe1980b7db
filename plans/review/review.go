// Package review renders a plan for its readers: Text for a terminal, Markdown for a
// pull request's comment, SARIF for code-scanning services. A renderer takes a writer
// and a plan and does nothing else; another tool posts what it wrote.
//
// A plan quotes source code, and source code may come from anyone. So each renderer
// treats every string of the plan as hostile: control and bidirectional characters
// are shown as escapes, and nothing in the plan can end a fence, open an HTML tag or
// mention somebody.
package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mapmigrate/mapmigrate/plans"
)

// rank orders confidences, strongest first.
func rank(confidence string) int {
	i := slices.Index([]string{"confirmed", "high", "medium", "low"}, confidence)
	if i < 0 {
		return 4
	}
	return i
}

// ranked returns the sites in the order of their claim on a reader's time: what can
// be migrated before what is refused, the most certain first, and else as planned.
func ranked(p *plans.Plan) []*plans.Site {
	sites := slices.Clone(p.Sites)
	slices.SortStableFunc(sites, func(a, b *plans.Site) int {
		if ra, rb := a.Status == plans.Refused, b.Status == plans.Refused; ra != rb {
			if rb {
				return -1
			}
			return 1
		}
		return cmp.Compare(rank(a.Confidence()), rank(b.Confidence()))
	})
	return sites
}

// findings returns the site's findings, those that the baseline does not have first, and
// then the most certain.
func findings(s *plans.Site) []plans.Finding {
	f := slices.Clone(s.Findings)
	slices.SortStableFunc(f, func(a, b plans.Finding) int {
		if a.Baselined != b.Baselined {
			if b.Baselined {
				return -1
			}
			return 1
		}
		return cmp.Compare(rank(a.Confidence), rank(b.Confidence))
	})
	return f
}

// suppressed says in a sentence how many findings are not reported, and why; "" if none.
func suppressed(p *plans.Plan) string {
	n := map[string]int{}
	for _, s := range p.Suppressed {
		n[s.By]++
	}
	switch d, b := n[plans.ByDirective], n[plans.ByBaseline]; {
	case d > 0 && b > 0:
		return fmt.Sprintf("%d suppressed: %d by //mapmigrate:ignore, %d by the baseline.", d+b, d, b)
	case d > 0:
		return fmt.Sprintf("%d suppressed by //mapmigrate:ignore.", d)
	case b > 0:
		return fmt.Sprintf("%d suppressed by the baseline.", b)
	}
	return ""
}

// at is a position as the beginning of a message, "" when there is none.
func at(p plans.Pos) string {
	if p.File == "" {
		return ""
	}
	return clean(p.String()) + ": "
}

// conflicting returns the accesses that prove a finding: the first two.
func conflicting(f plans.Finding) []plans.Access {
	return f.Accesses[:min(2, len(f.Accesses))]
}

// sameAccess reports whether an access conflicts with itself: one piece of code
// that several goroutines run. Its second path says nothing that the first does not.
func sameAccess(f plans.Finding) bool {
	return len(f.Accesses) > 1 && f.Accesses[0].Pos == f.Accesses[1].Pos && slices.Equal(f.Accesses[0].Path, f.Accesses[1].Path)
}

// locks says in words what an access holds.
func locks(a plans.Access) string {
	if len(a.Locks) == 0 {
		return "no lock held"
	}
	return "holding " + strings.Join(a.Locks, ", ")
}

// sameDiff returns the first of the sites before s that is coupled with it and has the
// same diff, or nil.
func sameDiff(before []*plans.Site, s *plans.Site) *plans.Site {
	if len(s.CoupledWith) == 0 {
		return nil
	}
	for _, o := range before {
		if o.Diff == s.Diff && len(o.CoupledWith) > 0 {
			return o
		}
	}
	return nil
}

// changes counts the lines of a site's diff.
func changes(diff string) (added, removed int) {
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "):
		case line[0] == '+':
			added++
		case line[0] == '-':
			removed++
		}
	}
	return added, removed
}

// clean returns s on one line, with characters that would act on a terminal, or make
// code look like other code, as escapes.
func clean(s string) string {
	return escape(s, false)
}

// cleanLines is clean for text of several lines with tabs.
func cleanLines(s string) string {
	return escape(s, true)
}

func escape(s string, lines bool) string {
	acts := func(r rune) bool {
		if lines && (r == '\n' || r == '\t') {
			return false
		}
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	}
	if lines {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	if !strings.ContainsFunc(s, acts) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// counts says what the plan holds in one line.
func counts(p *plans.Plan) string {
	status := map[plans.Status]int{}
	confidence := map[string]int{}
	codes := map[string]int{}
	for _, s := range p.Sites {
		status[s.Status]++
		if s.Status == plans.Refused {
			for _, r := range s.Refusals {
				codes[r.Code]++
			}
		} else if c := s.Confidence(); c != "" {
			confidence[c]++
		}
	}
	if len(p.Sites) == 0 {
		return "No map to migrate"
	}
	var parts []string
	for _, st := range []plans.Status{plans.Proposed, plans.Approved, plans.Applied, plans.Rejected} {
		if status[st] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", status[st], st))
		}
	}
	if n := status[plans.Refused]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d refused (%s)", n, tally(codes, keysByCount(codes))))
	}
	line := plural(len(p.Sites), "site") + ": " + strings.Join(parts, ", ")
	if len(confidence) > 0 {
		line += "; confidence: " + tally(confidence, []string{"confirmed", "high", "medium", "low"})
	}
	return line
}

func tally(m map[string]int, keys []string) string {
	var parts []string
	for _, k := range keys {
		if m[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", m[k], clip(clean(k), 40)))
		}
	}
	return strings.Join(parts, ", ")
}

func keysByCount(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(m[b]-m[a], cmp.Compare(a, b)) })
	const most = 8
	return keys[:min(most, len(keys))]
}
