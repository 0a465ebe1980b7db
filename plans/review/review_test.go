package review_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"pgregory.net/rapid"

	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/plans/review"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const storeGo = `package store

type Store struct {
	items map[string]int
}

func (s *Store) Put(k string) {
	s.items[k]++
}

func (s *Store) Len() int {
	return len(s.items)
}
`

// sample is a plan with what a renderer meets: a site to migrate with long paths, one
// coupled with it, a refused one, and strings that are markup in some output.
func sample(t testing.TB) *plans.Plan {
	pos := func(line, col int) plans.Pos { return plans.Pos{File: "store/store.go", Line: line, Column: col} }
	step := func(line int, note string) plans.Step { return plans.Step{Pos: pos(line, 2), Note: note} }
	at := strings.Index(storeGo, "\ts.items[k]++\n")
	field := strings.Index(storeGo, "\titems map[string]int\n")
	ends := func(at int) int { return at + strings.IndexByte(storeGo[at:], '\n') + 1 }
	p := &plans.Plan{
		ToolVersion: "v0.1.0", Module: "example.com/m", Strategy: "auto",
		Summary: plans.Summary{Packages: 3, Maps: 9, Incomplete: []string{"example.com/m/gen: could not import `C` <cgo> @all"}},
		Runtime: plans.Runtime{Dir: "internal/safemap", Version: 1, Files: []string{"sharded.go"}},
		Shared: []plans.SharedEdit{{Create: true, Sites: []string{"store-items-1f", "store-size-2e"},
			Edit: plans.Edit{File: "internal/safemap/sharded.go", New: "package safemap\n\n// A fence: ```\n"}}},
		Sites: []*plans.Site{
			{
				ID: "gen-table-9a", Name: "gen.Table", Kind: "package-var", Type: "map[K]interface{ ~int | ~string }", Package: "example.com/m/gen",
				Pos: plans.Pos{File: "gen/a b.go", Line: 3, Column: 5}, Status: plans.Refused, Nested: true,
				Findings: []plans.Finding{{Category: "partial", Confidence: "medium", Message: "read without `mu`, which 4 of 5 accesses hold",
					Accesses: []plans.Access{
						{Op: "write", Pos: plans.Pos{File: "gen/a b.go", Line: 9, Column: 2}, Func: "Set", Locks: []string{"mu"}, Path: []plans.Step{step(3, "go Set()")}},
						{Op: "read", Pos: plans.Pos{File: "gen/a b.go", Line: 14, Column: 9}, Func: "Get[int]"},
					}}},
				Refusals: []*plans.Refusal{{Code: "take-lock", Class: plans.Unhelpful, Message: "the lock `mu` guards this map", Remedy: "lock mu around line 14", Pos: plans.Pos{File: "gen/a b.go", Line: 14, Column: 9}}},
			},
			{
				ID: "store-items-1f", Name: "store.Store.items", Kind: "field", Type: "map[string]int", Package: "example.com/m/store",
				Pos: pos(4, 2), Status: plans.Proposed, CoupledWith: []string{"store-size-2e"},
				Members: []plans.Member{{Name: "store.New.items", Pos: pos(5, 1)}},
				Findings: []plans.Finding{
					{Category: "iteration", Confidence: "low", Message: "ranged over"},
					{Category: "unguarded", Confidence: "high", Message: "Put writes while Len reads: see <issue #12> @octocat",
						Accesses: []plans.Access{
							{Op: "update", Pos: pos(8, 2), Func: "(*Store).Put", Contexts: []string{"go"}, Path: []plans.Step{
								step(1, "main"), step(2, "go run()"), step(3, "run calls f[int](x)"), step(5, "f calls (*Store).Put"), step(8, "update of s.items")}},
							{Op: "len", Pos: pos(12, 9), Func: "(*Store).Len", Path: []plans.Step{step(12, "handler of *http.ServeMux")}},
						}},
				},
				Strategy: plans.Strategy{Name: "sharded", Reason: "3 updates to 1 read, all by key", Rejected: []plans.Alternative{{Name: "syncmap", Reason: "needs `a|b`, Len"}, {Name: "locked", Reason: "contended"}}},
				Notes:    []string{"len is weakly consistent"},
				Edits:    []plans.Edit{{File: "store/store.go", Start: at, End: ends(at), New: "\ts.items.Update(k, func(old int) int { return old + 1 })\n"}},
				RaceTest: &plans.RaceTest{File: "store/zz_mapmigrate_items_race_test.go", Name: "TestMapmigrateItems", Level: "program", Before: "failed", After: "passed"},
			},
			{
				ID: "store-size-2e", Name: "store.Store.size", Kind: "field", Type: "map[string]int", Package: "example.com/m/store",
				Pos: pos(4, 2), Status: plans.Proposed, CoupledWith: []string{"store-items-1f"},
				Findings: []plans.Finding{{Category: "check-then-act", Confidence: "confirmed", Message: "lost updates"}},
				Strategy: plans.Strategy{Name: "sharded", Reason: "as store.Store.items"},
				Edits:    []plans.Edit{{File: "store/store.go", Start: field, End: ends(field), New: "\titems *safemap.Sharded[string, int]\n"}},
			},
		},
	}
	if err := p.Seal(fstest.MapFS{"store/store.go": {Data: []byte(storeGo)}}, ""); err != nil {
		t.Fatal(err)
	}
	return p
}

func golden(t *testing.T, name string, write func(io.Writer) error) string {
	t.Helper()
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, buf.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if buf.String() != string(want) {
		t.Errorf("%s differs (run with -update and read the difference):\n%s", name, plans.Diff("", plans.File{Path: name, Before: want, After: buf.Bytes()}))
	}
	return buf.String()
}

func TestText(t *testing.T) {
	p := sample(t)
	out := golden(t, "plan.txt", func(w io.Writer) error { return review.Text(w, p, review.TextOptions{}) })
	for site := range strings.SplitSeq(strings.TrimSpace(out), "\n\n") {
		if n := strings.Count(site, "\n") + 1; n > 15 {
			t.Errorf("%d lines for one site:\n%s", n, site)
		}
	}
	golden(t, "plan-diff.txt", func(w io.Writer) error { return review.Text(w, p, review.TextOptions{Diff: true}) })
	golden(t, "plan-color.txt", func(w io.Writer) error { return review.Text(w, p, review.TextOptions{Color: true, Diff: true}) })
}

func TestTextNext(t *testing.T) {
	for status, want := range map[plans.Status]string{
		plans.Proposed: "mapmigrate review",
		plans.Approved: "mapmigrate apply",
		plans.Applied:  "mapmigrate undo",
		plans.Refused:  "mapmigrate explain",
	} {
		var buf bytes.Buffer
		p := &plans.Plan{Complete: true, Sites: []*plans.Site{{ID: "x", Status: status}}}
		if err := review.Text(&buf, p, review.TextOptions{}); err != nil || !strings.Contains(buf.String(), want) {
			t.Errorf("%s: got %q, %v", status, buf.String(), err)
		}
	}
	var buf bytes.Buffer
	if review.Text(&buf, &plans.Plan{Complete: true}, review.TextOptions{}); buf.String() != "No map to migrate.\n" {
		t.Errorf("got %q", buf.String())
	}
}

func TestMarkdown(t *testing.T) {
	p := sample(t)
	golden(t, "plan.md", func(w io.Writer) error { return review.Markdown(w, p, review.MarkdownOptions{}) })
}

// TestMarkdownLimit: the diffs of the last-ranked sites go first, then the evidence,
// then the sites, and the comment says what went.
func TestMarkdownLimit(t *testing.T) {
	for _, test := range []struct {
		sites, diff int
		want        string
	}{
		{3, 100, ""},
		{30, 10_000, "the diff of"},
		{400, 1_000, "the evidence of"},
		{5000, 1_000, "whole sites"},
	} {
		p := sample(t)
		site := *p.Sites[1]
		p.Sites = nil
		for i := range test.sites {
			s := site
			s.ID, s.CoupledWith = fmt.Sprintf("id%d", i), nil
			s.Diff = strings.Repeat("+ä`\n", test.diff/5)
			p.Sites = append(p.Sites, &s)
		}
		var buf bytes.Buffer
		if err := review.Markdown(&buf, p, review.MarkdownOptions{}); err != nil {
			t.Fatal(err)
		}
		out := buf.String()
		if len(out) > review.MarkdownLimit {
			t.Errorf("%d sites: %d bytes", test.sites, len(out))
		}
		if test.want != "" && len(out) < review.MarkdownLimit*3/4 {
			t.Errorf("%d sites: only %d bytes used", test.sites, len(out))
		}
		if got := strings.Contains(out, "Left out"); got != (test.want != "") || !strings.Contains(out, test.want) {
			t.Errorf("%d sites: want %q left out:\n%.900s", test.sites, test.want, out)
		}
		if strings.Count(out, "<details>") != strings.Count(out, "</details>") {
			t.Errorf("%d sites: unbalanced details", test.sites)
		}
	}
}

// hostile draws text that is markup somewhere.
var hostile = rapid.StringOfN(rapid.SampledFrom([]rune("a`<>|@#\n\r\x1b\u202e&*_[]()\\~é世 :/-")), 0, 60, -1)

var (
	inCode  = regexp.MustCompile("(?s)```diff\n.*?\n```\n|`[^`]*`")
	ourTags = regexp.MustCompile("</?(details|summary|b|code)>|<!-- (mapmigrate )?-->")
)

func TestHostileText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticks := rapid.Bool().Draw(t, "ticks")
		draw := func(name string) string {
			s := hostile.Draw(t, name)
			if !ticks {
				s = strings.ReplaceAll(s, "`", "")
			}
			return s
		}
		s := &plans.Site{ID: "x", Name: draw("name"), Type: draw("type"), Pos: plans.Pos{File: draw("file"), Line: 1, Column: 1},
			Status: plans.Proposed, Diff: "+" + draw("diff"), Notes: []string{draw("note")},
			Findings: []plans.Finding{{Category: "inner", Confidence: "high", Message: draw("message"),
				Accesses: []plans.Access{{Op: "read", Func: draw("func"), Locks: []string{draw("lock")}, Pos: plans.Pos{File: draw("file2"), Line: 1}, Path: []plans.Step{{Note: draw("step")}}}}}},
			Strategy: plans.Strategy{Name: "locked", Reason: draw("reason"), Rejected: []plans.Alternative{{Name: draw("alt"), Reason: draw("why")}}}}
		p := &plans.Plan{Summary: plans.Summary{Incomplete: []string{draw("incomplete")}}, Sites: []*plans.Site{s}}
		p.Suppressed = []plans.Suppressed{{By: plans.ByDirective, Reason: draw("excuse"), Site: "y", Name: draw("name2"), Category: "inner", Confidence: "low", Message: draw("message2"), At: plans.Pos{File: draw("file3"), Line: 1}}}
		p.Warnings = []plans.Warning{{Code: "unused-ignore", Message: draw("warning"), Pos: plans.Pos{File: draw("file4"), Line: 1}}}

		var text, md, js bytes.Buffer
		if err := review.Text(&text, p, review.TextOptions{Diff: true}); err != nil {
			t.Fatal(err)
		}
		limit := rapid.IntRange(600, 5000).Draw(t, "limit")
		if err := review.Markdown(&md, p, review.MarkdownOptions{Limit: limit}); err != nil {
			t.Fatal(err)
		}
		if err := review.SARIF(&js, p, review.SARIFOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{text.String(), md.String()} {
			if strings.ContainsAny(out, "\x1b\u202e\r") || !utf8.ValidString(out) {
				t.Fatalf("control characters or broken UTF-8 in %q", out)
			}
		}
		if md.Len() > limit {
			t.Fatalf("%d bytes, limit %d", md.Len(), limit)
		}
		// Outside of code every < belongs to a tag of ours. (With backticks in the
		// text it takes a Markdown parser to tell where code is.)
		if !ticks && limit > 3000 {
			out := inCode.ReplaceAllString(md.String(), "")
			if out = ourTags.ReplaceAllString(out, ""); strings.Contains(out, "<") {
				t.Fatalf("a < gets through: %q", out)
			}
		}
		if !json.Valid(js.Bytes()) {
			t.Fatal("not JSON")
		}
	})
}

func TestSARIF(t *testing.T) {
	p := sample(t)
	p.Sites[0].Status = plans.Refused
	out := golden(t, "plan.sarif", func(w io.Writer) error { return review.SARIF(w, p, review.SARIFOptions{Prefix: "sub dir"}) })
	report, err := sarif.FromBytes([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Validate(); err != nil {
		t.Errorf("against the SARIF 2.1.0 schema: %v", err)
	}
	prints := map[string]bool{}
	for _, r := range report.Runs[0].Results {
		id := report.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID
		if *id != *r.RuleID {
			t.Errorf("rule index of %s leads to %s", *r.RuleID, *id)
		}
		print := r.PartialFingerprints["mapmigrate/v1"]
		if prints[print] {
			t.Errorf("two results have the fingerprint %s", print)
		}
		prints[print] = true
	}
	if n := len(report.Runs[0].Results[1].CodeFlows[0].ThreadFlows); n != 2 {
		t.Errorf("%d thread flows for two accesses", n)
	}
}
