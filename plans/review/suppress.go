// This file defines how SARIF says what is accepted, and what directives do not do.

package review

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/mapmigrate/mapmigrate/plans"
)

// suppression says that a result was accepted: "inSource" by a comment, "external" by a
// file or a reviewer.
func suppression(kind, why string) *sarif.Suppression {
	s := sarif.NewSuppression()
	s.Kind, s.Status = ptr(kind), ptr("accepted")
	s.Justification = ptr(clean(why))
	return s
}

// accepted adds the findings that are not reported as suppressed results, so that a service
// that knew them closes them as accepted and not as fixed, and the plan's warnings as notes.
func (s *sarifRun) accepted(run *sarif.Run, p *plans.Plan) {
	nth := map[string]int{}
	for _, f := range p.Suppressed {
		if len(run.Results) == maxResults {
			return
		}
		r := sarif.NewResult()
		r.RuleID = ptr("mapmigrate/" + f.Category)
		r.RuleIndex = s.rules[f.Category]
		r.Level = level(f.Confidence)
		r.Message = message(fmt.Sprintf("%s: %s.", f.Name, f.Message))
		key := f.Site + " " + f.Category
		same := sarifFinding{site: &plans.Site{ID: f.Site}, Finding: plans.Finding{Category: f.Category}, nth: nth[key]}
		nth[key]++
		r.PartialFingerprints = map[string]string{"mapmigrate/v1": fingerprint(same)}
		r.Properties = sarif.NewPropertyBag().Add("confidence", f.Confidence)
		loc := s.location(f.At, "")
		loc.LogicalLocations = append(loc.LogicalLocations, logical(f.Name))
		r.Locations = append(r.Locations, loc)
		if f.By == plans.ByDirective {
			r.Suppressions = append(r.Suppressions, suppression("inSource", f.Reason))
		} else {
			r.Suppressions = append(r.Suppressions, suppression("external", "in the baseline"))
		}
		run.Results = append(run.Results, r)
	}
	s.warnings(run, p)
}

// warnings adds a rule for each code and a note for each warning that has a place.
func (s *sarifRun) warnings(run *sarif.Run, p *plans.Plan) {
	codes := map[string]bool{}
	for _, w := range p.Warnings {
		codes[w.Code] = w.Pos.File != "" || codes[w.Code]
	}
	index := map[string]int{}
	for _, c := range slices.Sorted(maps.Keys(codes)) {
		if codes[c] {
			index[c] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, warningRule(c))
		}
	}
	for _, w := range p.Warnings {
		if w.Pos.File == "" || len(run.Results) == maxResults {
			continue
		}
		r := sarif.NewResult()
		r.RuleID, r.RuleIndex = ptr("mapmigrate/"+w.Code), index[w.Code]
		r.Level = sarif.LevelNote
		r.Message = message(w.Message)
		h := sha256.Sum256(fmt.Appendf(nil, "warning\x00%s\x00%s\x00%s", w.Code, w.Pos.File, w.Message))
		r.PartialFingerprints = map[string]string{"mapmigrate/v1": hex.EncodeToString(h[:16])}
		r.Locations = append(r.Locations, s.location(w.Pos, ""))
		run.Results = append(run.Results, r)
	}
}

func warningRule(code string) *sarif.ReportingDescriptor {
	r := sarif.NewReportingDescriptor()
	r.ID, r.Name = ptr("mapmigrate/"+code), ptr(code)
	text := "A comment to mapmigrate that has no effect: " + code + "."
	r.ShortDescription = &sarif.MultiformatMessageString{Text: ptr(text)}
	r.FullDescription = &sarif.MultiformatMessageString{Text: ptr(text)}
	r.DefaultConfiguration = sarif.NewReportingConfiguration()
	return r
}
