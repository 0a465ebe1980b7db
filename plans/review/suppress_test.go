package review_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/plans/review"
)

// accepted is a plan in which findings were accepted and comments have no effect.
func accepted(t *testing.T) *plans.Plan {
	p := sample(t)
	s := p.Sites[0]
	p.Suppressed = []plans.Suppressed{
		{By: plans.ByDirective, Reason: "a debug aid", Pos: plans.Pos{File: "store.go", Line: 4, Column: 24}, Site: "11111111", Name: "store.seen",
			Package: "example.com/store", Category: "unguarded", Confidence: "high", Message: "write of seen", At: plans.Pos{File: "store.go", Line: 9, Column: 2}},
		{By: plans.ByBaseline, Site: s.ID, Name: s.Name, Package: s.Package, Category: "iteration", Confidence: "medium", Message: "range of it", At: s.Pos},
	}
	p.Warnings = []plans.Warning{
		{Code: "unused-ignore", Message: "it suppresses nothing", Pos: plans.Pos{File: "store.go", Line: 30, Column: 2}},
		{Code: "stale-baseline", Message: "an entry matches nothing"},
	}
	return p
}

func TestAccepted(t *testing.T) {
	p := accepted(t)
	var text, md, js bytes.Buffer
	if err := review.Text(&text, p, review.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n2 suppressed: 1 by //mapmigrate:ignore, 1 by the baseline.\n",
		"\nwarning: store.go:30:2: it suppresses nothing (unused-ignore)\n",
		"\nwarning: an entry matches nothing (stale-baseline)\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not hold %q:\n%s", want, &text)
		}
	}
	if err := review.Markdown(&md, p, review.MarkdownOptions{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(md.String(), "1 by the baseline.\n") || !strings.Contains(md.String(), "- warning: store.go:30:2: it suppresses nothing\n") {
		t.Errorf("the comment does not say it:\n%s", &md)
	}
	if err := review.SARIF(&js, p, review.SARIFOptions{}); err != nil {
		t.Fatal(err)
	}
	report, err := sarif.FromBytes(js.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Validate(); err != nil {
		t.Errorf("against the SARIF 2.1.0 schema: %v", err)
	}
	kinds := map[string]string{}
	for _, r := range report.Runs[0].Results {
		if id := *report.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; id != *r.RuleID {
			t.Errorf("rule index of %s leads to %s", *r.RuleID, id)
		}
		for _, s := range r.Suppressions {
			kinds[*r.RuleID] = *s.Kind
		}
	}
	if kinds["mapmigrate/unguarded"] != "inSource" || kinds["mapmigrate/iteration"] != "external" {
		t.Errorf("suppressions: %v", kinds)
	}
	if n := len(report.Runs[0].Results); *report.Runs[0].Results[n-1].RuleID != "mapmigrate/unused-ignore" {
		t.Error("the warning that has a place is no result")
	}
}

// A finding keeps its fingerprint when it is accepted: a service must not take it for a
// new one that was closed, and the old one for fixed.
func TestAcceptedFingerprint(t *testing.T) {
	print := func(p *plans.Plan, n int) string {
		var js bytes.Buffer
		if err := review.SARIF(&js, p, review.SARIFOptions{}); err != nil {
			t.Fatal(err)
		}
		report, err := sarif.FromBytes(js.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return report.Runs[0].Results[n].PartialFingerprints["mapmigrate/v1"]
	}
	p := sample(t)
	s := p.Sites[0]
	p.Sites = p.Sites[:1]
	s.Findings = s.Findings[:1]
	was := print(p, 0)
	p.Sites = nil
	p.Suppressed = []plans.Suppressed{{By: plans.ByBaseline, Site: s.ID, Name: s.Name, Category: s.Findings[0].Category, Confidence: "high", Message: "m", At: s.Pos}}
	if now := print(p, 0); now != was {
		t.Errorf("%s became %s", was, now)
	}
}
