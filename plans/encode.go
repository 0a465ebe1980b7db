// This file defines the JSON form of a plan: how it is written and what is accepted.

package plans

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Encode writes p as indented JSON: the same plan gives the same bytes, and every
// list that the contract names is written as a list even when it is empty. A plan
// that breaks an invariant is not written.
func Encode(w io.Writer, p *Plan) error {
	data, err := marshal(p)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func marshal(p *Plan) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // the plan is read by people, and Go code is full of < and &
	enc.SetIndent("", "  ")
	if err := enc.Encode(withLists(p)); err != nil {
		return nil, fmt.Errorf("encoding the plan: %w", err)
	}
	return buf.Bytes(), nil
}

// Decode reads a plan and checks it. A plan of another format version, a truncated
// one, and one that breaks an invariant (say, because someone edited it) are errors.
func Decode(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	// The version comes first and alone: another version may give any other
	// field another type.
	var head struct {
		FormatVersion *int `json:"format_version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, unreadable(data, err)
	}
	switch {
	case head.FormatVersion == nil:
		return nil, errors.New("this is not a mapmigrate plan (no format_version): run `mapmigrate plan` again")
	case *head.FormatVersion != FormatVersion:
		return nil, fmt.Errorf("plan.json has format version %d; this mapmigrate reads %d: run `mapmigrate plan` again", *head.FormatVersion, FormatVersion)
	}
	p := new(Plan)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, unreadable(data, err)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// unreadable says what is wrong with plan JSON in words, with the line.
func unreadable(data []byte, err error) error {
	line := func(offset int64) int {
		return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
	}
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("plan.json is empty: run `mapmigrate plan` again")
	case errors.As(err, &syntax) && int(syntax.Offset) >= len(bytes.TrimRight(data, " \t\r\n")):
		return fmt.Errorf("plan.json ends early, at line %d: run `mapmigrate plan` again: %w", line(syntax.Offset), err)
	case errors.As(err, &syntax):
		return fmt.Errorf("plan.json is not JSON at line %d: run `mapmigrate plan` again: %w", line(syntax.Offset), err)
	case errors.As(err, &wrongType):
		return fmt.Errorf("plan.json has a wrong value at line %d: run `mapmigrate plan` again: %w", line(wrongType.Offset), err)
	}
	return fmt.Errorf("reading plan.json: %w", err)
}

// withLists returns a copy of p in which no list of the contract is nil. The copy
// shares everything else with p.
func withLists(p *Plan) *Plan {
	c := *p
	c.Runtime.Files = list(c.Runtime.Files)
	for _, m := range []*map[string]int{&c.Summary.Findings, &c.Summary.Confidence, &c.Summary.Status, &c.Summary.Refusals} {
		if *m == nil {
			*m = map[string]int{}
		}
	}
	c.Shared = append([]SharedEdit{}, p.Shared...)
	for i := range c.Shared {
		c.Shared[i].Sites = list(c.Shared[i].Sites)
	}
	c.Sites = make([]*Site, 0, len(p.Sites))
	for _, s := range p.Sites {
		s := *s
		s.CoupledWith = list(s.CoupledWith)
		s.Refusals = list(s.Refusals)
		s.Edits = list(s.Edits)
		s.Files = list(s.Files)
		s.Strategy.Rejected = list(s.Strategy.Rejected)
		s.Findings = append([]Finding{}, s.Findings...)
		for i := range s.Findings {
			f := &s.Findings[i]
			f.Accesses = append([]Access{}, f.Accesses...)
			for j := range f.Accesses {
				a := &f.Accesses[j]
				a.Locks, a.Contexts, a.Path = list(a.Locks), list(a.Contexts), list(a.Path)
			}
		}
		c.Sites = append(c.Sites, &s)
	}
	return &c
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
