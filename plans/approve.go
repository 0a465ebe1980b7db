// This file defines the review decisions on a plan's sites.

package plans

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Confidence returns the highest confidence among the site's findings, "" without any.
func (s *Site) Confidence() string {
	best := ""
	for _, f := range s.Findings {
		if rank(f.Confidence) > rank(best) {
			best = f.Confidence
		}
	}
	return best
}

// Select returns the ids of the sites that args name: by id, by name, or by the
// beginning of either when only one site begins so.
func (p *Plan) Select(args ...string) ([]string, error) {
	ids := map[string]bool{}
	for _, arg := range args {
		id, err := p.selectOne(arg)
		if err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

func (p *Plan) selectOne(arg string) (string, error) {
	if arg == "" {
		return "", usagef("an empty site name selects nothing")
	}
	if s := p.Site(arg); s != nil {
		return s.ID, nil
	}
	matching := func(ok func(s *Site) bool) []*Site {
		var m []*Site
		for _, s := range p.Sites {
			if ok(s) {
				m = append(m, s)
			}
		}
		return m
	}
	m := matching(func(s *Site) bool { return s.Name == arg })
	if len(m) == 0 {
		m = matching(func(s *Site) bool { return strings.HasPrefix(s.Name, arg) || strings.HasPrefix(s.ID, arg) })
	}
	switch {
	case len(m) == 1:
		return m[0].ID, nil
	case len(m) == 0:
		return "", usagef("the plan has no site %q%s", arg, p.nearest(arg))
	}
	const most = 5
	var names []string
	for i, s := range m {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(m)-most))
			break
		}
		names = append(names, fmt.Sprintf("%s (%s, %s)", s.ID, s.Name, s.Pos))
	}
	return "", usagef("%q could be %s: give the id", arg, strings.Join(names, ", "))
}

// nearest returns " (did you mean …?)" with the site names closest to arg, or "".
func (p *Plan) nearest(arg string) string {
	type candidate struct {
		text     string
		distance int
	}
	var near []candidate
	low := strings.ToLower(arg)
	for _, s := range p.Sites {
		last := s.Name[strings.LastIndexByte(s.Name, '.')+1:]
		for i, text := range []string{s.Name, s.ID, last} {
			limit := (len(text) + 2) / 3
			d := Distance(low, strings.ToLower(text))
			if i == 0 && len(low) > 2 && strings.Contains(strings.ToLower(text), low) {
				d = min(d, limit) // a part of it: the type, say
			}
			if d <= limit {
				if i == 2 {
					text = s.Name // the variable's own name is close: offer the full one
				}
				near = append(near, candidate{text, d})
			}
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range near {
		if !slices.Contains(names, c.text) && len(names) < 3 {
			names = append(names, c.text)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", strings.Join(names, " or "))
}

// Distance is the edit distance of a and b in bytes, for "did you mean". It costs
// len(a)·len(b).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// Approve approves the sites ids, and with each the sites it is coupled with. It
// returns the ids of all that are newly approved. A couple that was rejected is an
// error, unless it is named too: a rejection is only taken back by name. On an error
// nothing is changed.
func (p *Plan) Approve(ids ...string) ([]string, error) {
	return p.decide(Approved, ids, func(named *Site, s *Site) error {
		switch {
		case s.Status == Refused:
			return usagef("site %s (%s) is refused (%s) and cannot be approved: %s", s.ID, s.Name, s.Refusals[0].Code, s.Refusals[0].Remedy)
		case s.Status == Rejected && !slices.Contains(ids, s.ID):
			return usagef("site %s is coupled with %s, which is rejected: approve both (%s,%s) or neither", named.ID, s.ID, named.ID, s.ID)
		}
		return nil
	})
}

// Reject rejects the sites ids, and with each the sites it is coupled with, which
// cannot be applied without it. It returns the ids of all that are newly rejected.
// On an error nothing is changed.
func (p *Plan) Reject(ids ...string) ([]string, error) {
	return p.decide(Rejected, ids, func(_ *Site, s *Site) error {
		switch s.Status {
		case Refused:
			return usagef("site %s (%s) is refused: there is nothing to reject", s.ID, s.Name)
		case Applied:
			return usagef("site %s (%s) is applied: run `mapmigrate undo` first", s.ID, s.Name)
		}
		return nil
	})
}

// decide gives the units of ids the status to, if check allows it for every site.
func (p *Plan) decide(to Status, ids []string, check func(named, s *Site) error) ([]string, error) {
	byID := p.byID()
	change := map[string]bool{}
	for _, id := range ids {
		named := byID[id]
		if named == nil {
			return nil, usagef("the plan has no site %q%s", id, p.nearest(id))
		}
		for _, u := range p.Unit(id) {
			s := byID[u]
			if err := check(named, s); err != nil {
				return nil, err
			}
			if s.Status != to && s.Status != Applied {
				change[u] = true
			}
		}
	}
	for id := range change {
		byID[id].Status = to
	}
	p.recountStatus()
	return slices.Sorted(maps.Keys(change)), nil
}

// ApproveAll approves every proposed site and returns the ids. Rejected sites, and
// those coupled with one, stay as they are.
func (p *Plan) ApproveAll() []string {
	return p.approveWhere(func(*Site) bool { return true })
}

// ApproveMinConfidence approves the proposed sites with a finding of at least the
// given confidence and returns the ids. Coupled sites are approved only if all of
// them reach it.
func (p *Plan) ApproveMinConfidence(confidence string) ([]string, error) {
	if rank(confidence) == 0 {
		return nil, usagef("unknown confidence %q: use %s", confidence, strings.Join(confidences, ", "))
	}
	return p.approveWhere(func(s *Site) bool { return rank(s.Confidence()) >= rank(confidence) }), nil
}

func (p *Plan) approveWhere(ok func(*Site) bool) []string {
	byID := p.byID()
	var approved []string
	for _, s := range p.Sites {
		if s.Status != Proposed {
			continue
		}
		unit := p.Unit(s.ID)
		if slices.ContainsFunc(unit, func(id string) bool { return byID[id].Status == Rejected || !ok(byID[id]) }) {
			continue
		}
		for _, id := range unit {
			if byID[id].Status == Proposed {
				byID[id].Status = Approved
				approved = append(approved, id)
			}
		}
	}
	p.recountStatus()
	slices.Sort(approved)
	return approved
}

// Recount sets the counts of the summary that follow from the sites. Packages, Maps
// and Incomplete are the planner's to fill.
func (p *Plan) Recount() {
	sum := &p.Summary
	sum.Findings, sum.Confidence, sum.Refusals = map[string]int{}, map[string]int{}, map[string]int{}
	for _, s := range p.Sites {
		for _, f := range s.Findings {
			sum.Findings[f.Category]++
		}
		if c := s.Confidence(); c != "" {
			sum.Confidence[c]++
		}
		for _, r := range s.Refusals {
			sum.Refusals[r.Code]++
		}
	}
	sum.Suppressed = nil
	for _, s := range p.Suppressed {
		if sum.Suppressed == nil {
			sum.Suppressed = map[string]int{}
		}
		sum.Suppressed[s.By]++
	}
	p.recountStatus()
}

func (p *Plan) recountStatus() {
	p.Summary.Status = map[string]int{}
	for _, s := range p.Sites {
		p.Summary.Status[string(s.Status)]++
	}
}
