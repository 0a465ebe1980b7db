// This file defines the code-scanning form of a plan.

package review

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/mapmigrate/mapmigrate/plans"
)

// SARIFOptions says how SARIF writes.
type SARIFOptions struct {
	// Prefix is the module's path in its repository (plans.RepoPrefix), "" for its
	// root: code-scanning services resolve paths from the repository's root.
	Prefix string
}

// What GitHub takes of a SARIF file; beyond these it rejects or cuts it.
const (
	maxResults    = 25_000 // a run
	maxRelated    = 1_000  // locations of a result
	maxThreadFlow = 10_000 // thread-flow locations of a result
)

// SARIF writes the plan's findings as SARIF 2.1.0: a rule for each category, a result
// for each finding, with one code flow whose thread flows are the ways the conflicting
// accesses come to run. Columns count bytes, as Go's tools do.
func SARIF(w io.Writer, p *plans.Plan, opts SARIFOptions) error {
	s := &sarifRun{prefix: opts.Prefix, rules: map[string]int{}}
	report := sarif.NewReport()
	report.AddRun(s.run(p))
	return report.PrettyWrite(w)
}

type sarifRun struct {
	prefix string
	rules  map[string]int // category -> index
}

// A sarifFinding is a finding with its site.
type sarifFinding struct {
	site *plans.Site
	plans.Finding
	nth int // among the site's findings of this category
}

func (s *sarifRun) run(p *plans.Plan) *sarif.Run {
	run := sarif.NewRun()
	driver := sarif.NewToolComponent()
	driver.Name = ptr("mapmigrate")
	driver.InformationURI = ptr("https://github.com/mapmigrate/mapmigrate")
	if p.ToolVersion != "" {
		driver.Version = ptr(p.ToolVersion)
	}
	run.Tool = sarif.NewTool()
	run.Tool.Driver = driver
	base := sarif.NewArtifactLocation()
	base.Description = message("the root of the repository")
	run.OriginalUriBaseIds = map[string]sarif.ArtifactLocation{"%SRCROOT%": *base}

	var all []sarifFinding
	categories := map[string]bool{}
	for _, site := range p.Sites {
		n := map[string]int{}
		for _, f := range site.Findings {
			all = append(all, sarifFinding{site, f, n[f.Category]})
			n[f.Category]++
			categories[f.Category] = true
		}
	}
	for _, sup := range p.Suppressed {
		categories[sup.Category] = true
	}
	for i, c := range slices.Sorted(maps.Keys(categories)) {
		s.rules[c] = i
		driver.Rules = append(driver.Rules, rule(c))
	}
	// The most certain come first, for where a limit cuts.
	slices.SortStableFunc(all, func(a, b sarifFinding) int { return cmp.Compare(rank(a.Confidence), rank(b.Confidence)) })
	for _, f := range all[:min(len(all), maxResults)] {
		run.Results = append(run.Results, s.result(f))
	}
	s.accepted(run, p)
	return run
}

func rule(category string) *sarif.ReportingDescriptor {
	r := sarif.NewReportingDescriptor()
	r.ID = ptr("mapmigrate/" + category)
	r.Name = ptr(category)
	short := categoryText[category]
	if short == "" {
		short = "A map that goroutines share: " + category + "."
	}
	r.ShortDescription = &sarif.MultiformatMessageString{Text: ptr(short)}
	r.FullDescription = &sarif.MultiformatMessageString{Text: ptr(short)}
	r.Help = &sarif.MultiformatMessageString{
		Text:     ptr(short + " `mapmigrate explain " + category + "` tells more; `mapmigrate plan` proposes a rewrite."),
		Markdown: ptr(short + "\n\n`mapmigrate explain " + category + "` tells more; `mapmigrate plan` proposes a rewrite."),
	}
	r.DefaultConfiguration = sarif.NewReportingConfiguration()
	r.Properties = sarif.NewPropertyBag().WithTags([]string{"concurrency", "reliability"})
	return r
}

func (s *sarifRun) result(f sarifFinding) *sarif.Result {
	r := sarif.NewResult()
	r.RuleID = ptr("mapmigrate/" + f.Category)
	r.RuleIndex = s.rules[f.Category]
	r.Level = level(f.Confidence)
	r.Message = message(resultMessage(f))
	r.PartialFingerprints = map[string]string{"mapmigrate/v1": fingerprint(f)}
	r.Properties = sarif.NewPropertyBag().Add("confidence", f.Confidence).Add("site", f.site.ID).Add("status", string(f.site.Status))

	proof := conflicting(f.Finding)
	at, kind := f.site.Pos, ""
	if len(proof) > 0 && proof[0].Pos.File != "" {
		at, kind = proof[0].Pos, f.site.Name
	}
	loc := s.location(at, "")
	loc.LogicalLocations = append(loc.LogicalLocations, logical(cmp.Or(kind, f.site.Name)))
	r.Locations = append(r.Locations, loc)

	related := func(p plans.Pos, note string) {
		if p.File == "" || len(r.RelatedLocations) == maxRelated {
			return
		}
		l := s.location(p, note)
		l.ID = len(r.RelatedLocations) + 1
		r.RelatedLocations = append(r.RelatedLocations, l)
	}
	related(f.site.Pos, f.site.Name+" is declared here")
	for i, a := range f.Accesses {
		if i > 0 {
			related(a.Pos, describe(a))
		}
	}

	flow := sarif.NewCodeFlow()
	flow.Message = message("how the conflicting accesses come to run")
	for i, a := range proof {
		if t := s.threadFlow(a, i); t != nil {
			flow.ThreadFlows = append(flow.ThreadFlows, t)
		}
	}
	if len(flow.ThreadFlows) > 0 {
		r.CodeFlows = append(r.CodeFlows, flow)
	}
	if f.Baselined {
		r.Suppressions = append(r.Suppressions, suppression("external", "in the baseline"))
	}
	if f.site.Status == plans.Rejected {
		sup := sarif.NewSuppression()
		sup.Kind, sup.Status = ptr("external"), ptr("accepted")
		sup.Justification = ptr("rejected in review")
		r.Suppressions = append(r.Suppressions, sup)
	}
	return r
}

// threadFlow is the way one access comes to run, the access itself last.
func (s *sarifRun) threadFlow(a plans.Access, i int) *sarif.ThreadFlow {
	t := sarif.NewThreadFlow()
	t.ID = ptr(fmt.Sprintf("access %d", i+1))
	t.Message = message(describe(a))
	add := func(p plans.Pos, note string) {
		if p.File == "" || len(t.Locations) == maxThreadFlow/2 {
			return
		}
		l := sarif.NewThreadFlowLocation()
		l.Location = s.location(p, note)
		l.Importance = "essential"
		t.Locations = append(t.Locations, l)
	}
	for _, step := range a.Path {
		add(step.Pos, step.Note)
	}
	if n := len(a.Path); n == 0 || a.Path[n-1].Pos != a.Pos {
		add(a.Pos, describe(a))
	}
	if len(t.Locations) == 0 {
		return nil
	}
	return t
}

func (s *sarifRun) location(p plans.Pos, note string) *sarif.Location {
	uri := p.File
	if s.prefix != "" {
		uri = s.prefix + "/" + uri
	}
	elems := strings.Split(uri, "/")
	for i, e := range elems {
		elems[i] = url.PathEscape(e)
	}
	art := sarif.NewArtifactLocation()
	art.URI, art.URIBaseID = ptr(strings.Join(elems, "/")), ptr("%SRCROOT%")
	phys := sarif.NewPhysicalLocation()
	phys.ArtifactLocation = art
	if p.Line > 0 {
		phys.Region = sarif.NewRegion()
		phys.Region.StartLine = ptr(p.Line)
		if p.Column > 0 {
			phys.Region.StartColumn = ptr(p.Column)
		}
	}
	loc := sarif.NewLocationWithPhysicalLocation(phys)
	if note != "" {
		loc.Message = message(note)
	}
	return loc
}

func logical(name string) *sarif.LogicalLocation {
	l := sarif.NewLogicalLocation()
	l.FullyQualifiedName, l.Kind = ptr(name), ptr("variable")
	l.Index, l.ParentIndex = -1, -1
	return l
}

func resultMessage(f sarifFinding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.site.Name, strings.TrimSuffix(f.Message, "."))
	if f.site.Status == plans.Refused {
		for _, r := range f.site.Refusals {
			fmt.Fprintf(&b, ". Not rewritten (%s): %s", r.Code, strings.TrimSuffix(r.Message, "."))
			if r.Remedy != "" {
				fmt.Fprintf(&b, "; remedy: %s", strings.TrimSuffix(r.Remedy, "."))
			}
		}
	} else if f.site.Strategy.Name != "" {
		fmt.Fprintf(&b, ". Proposed: %s, %s", f.site.Strategy.Name, strings.TrimSuffix(f.site.Strategy.Reason, "."))
	}
	return b.String() + "."
}

func describe(a plans.Access) string {
	in := ""
	if a.Func != "" {
		in = " in " + a.Func
	}
	return a.Op + in + ", " + locks(a)
}

// fingerprint identifies a finding across commits: not by its line, which moves, but
// by its site, whose id does not.
func fingerprint(f sarifFinding) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", f.site.ID, f.Category, f.nth))
	return hex.EncodeToString(h[:16])
}

func level(confidence string) string {
	switch confidence {
	case "confirmed", "high":
		return sarif.LevelError
	case "medium":
		return sarif.LevelWarning
	}
	return sarif.LevelNote
}

// message is a plain message. A generic call such as f[int](x) would read as a link.
func message(s string) *sarif.Message {
	return sarif.NewTextMessage(strings.ReplaceAll(clean(s), "](", `\](`))
}

func ptr[T any](v T) *T { return &v }

// categoryText says in a sentence what each category of finding is.
var categoryText = map[string]string{
	"unguarded":       "A map is used by several goroutines, at least one of which writes, and no lock guards it.",
	"partial":         "A map is guarded by a lock at most accesses, but not at this one.",
	"wrong-lock":      "A map is accessed under another lock than the one that guards it elsewhere.",
	"read-lock-write": "A map is written while only a read lock is held.",
	"escape":          "A map leaves the lock that guards it: it is returned or stored and used outside.",
	"iteration":       "A map is ranged over while another goroutine may write it.",
	"inner":           "An inner map is obtained under a lock and used outside of it.",
	"replaced":        "A map variable is assigned while other goroutines use it.",
	"check-then-act":  "Each step on the map is guarded, but the check and the act are not one step.",
	"element":         "The elements of a map are shared and changed; no other map type cures that.",
	"leak":            "The outer keys of a nested map are only ever added.",
	"guarded":         "A map that is consistently guarded by a lock.",
	"confined":        "A map that only one goroutine uses.",
	"nested":          "A map of maps.",
}
