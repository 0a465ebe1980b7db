// This file defines the review command: flags for scripts, questions for people.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/plans"
)

func newReview(e *env) *cobra.Command {
	var approve, reject []string
	var all bool
	var minConfidence string
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Approve or reject the sites of the plan",
		Long: `review goes through the sites of the saved plan that await a decision and asks about
each. With flags it decides without asking. Sites that can only be applied together
are decided together.

A site is named by its id, its name, or the beginning of either.`,
		Example: `  mapmigrate review
  mapmigrate review --approve=main.sessions,9f86d081 --reject=chathub.Hub.rooms
  mapmigrate review --approve-all
  mapmigrate review --min-confidence=high`,
		Args: cobra.NoArgs,
		RunE: e.start(func(cmd *cobra.Command, _ []string, dir string) error {
			if minConfidence != "" {
				if err := oneOf("min-confidence", minConfidence, confidences...); err != nil {
					return err
				}
			}
			p, err := plans.Open(dir)
			if err != nil {
				return err
			}
			if len(approve)+len(reject) == 0 && !all && minConfidence == "" {
				err = e.ask(p, dir)
			} else {
				err = e.decide(p, approve, reject, all, minConfidence)
			}
			if err != nil {
				return err
			}
			if err := save(dir, p); err != nil {
				return err
			}
			fmt.Fprintln(e.stdout, standing(p))
			return nil
		}),
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&approve, "approve", nil, "approve these `sites`, separated by commas")
	fl.StringSliceVar(&reject, "reject", nil, "reject these `sites`")
	fl.BoolVar(&all, "approve-all", false, "approve every site that is not rejected or refused")
	fl.StringVar(&minConfidence, "min-confidence", "", "approve what was found with at least this `confidence`: "+strings.Join(confidences, ", "))
	return cmd
}

// decide carries out the decisions of the flags, rejections first.
func (e *env) decide(p *plans.Plan, approve, reject []string, all bool, minConfidence string) error {
	rejectIDs, err := p.Select(reject...)
	if err != nil {
		return err
	}
	approveIDs, err := p.Select(approve...)
	if err != nil {
		return err
	}
	for _, r := range rejectIDs {
		for _, u := range p.Unit(r) {
			for _, a := range approveIDs {
				if u == a {
					return usagef("%s (%s) is both approved and rejected", a, p.Site(a).Name)
				}
			}
		}
	}
	if _, err := p.Reject(rejectIDs...); err != nil {
		return err
	}
	if _, err := p.Approve(approveIDs...); err != nil {
		return err
	}
	if minConfidence != "" {
		if _, err := p.ApproveMinConfidence(minConfidence); err != nil {
			return err
		}
	}
	if all {
		p.ApproveAll()
	}
	return nil
}

const reviewHelp = `y  approve this site
n  reject it
s  skip it: decide another time
d  show its diff
e  show its evidence
q  stop here; what was decided is kept
`

// ask goes through the undecided sites. The end of input is as good as q.
func (e *env) ask(p *plans.Plan, dir string) error {
	in := bufio.NewReader(e.stdin)
	undecided := 0
	for _, s := range p.Sites {
		if s.Status == plans.Proposed {
			undecided++
		}
	}
	n := 0
	for _, s := range p.Sites {
		if s.Status != plans.Proposed { // or decided meanwhile, together with another
			continue
		}
		n++
		fmt.Fprintf(e.stdout, "\n(%d/%d) %s  %s\n", n, undecided, s.Name, s.Type)
		fmt.Fprintf(e.stdout, "  %s  id %s\n", s.Pos, s.ID)
		for _, f := range s.Findings {
			fmt.Fprintf(e.stdout, "  %s (%s): %s\n", f.Category, f.Confidence, f.Message)
		}
		fmt.Fprintf(e.stdout, "  to %s: %s\n", s.Strategy.Name, s.Strategy.Reason)
		for _, n := range s.Notes {
			fmt.Fprintf(e.stdout, "  note: %s\n", n)
		}
		for _, c := range s.CoupledWith {
			fmt.Fprintf(e.stdout, "  together with %s (%s)\n", p.Site(c).Name, c)
		}
		quit, err := e.askSite(in, p, s, dir)
		if err != nil || quit {
			return err
		}
	}
	return nil
}

// askSite asks until there is a decision about one site.
func (e *env) askSite(in *bufio.Reader, p *plans.Plan, s *plans.Site, dir string) (quit bool, err error) {
	for {
		fmt.Fprint(e.stdout, "approve? [y,n,s,d,e,q,?] ")
		line, err := in.ReadString('\n')
		answer := strings.ToLower(strings.TrimSpace(line))
		switch {
		case errors.Is(err, io.EOF) && answer == "":
			fmt.Fprintln(e.stdout)
			return true, nil
		case err != nil && !errors.Is(err, io.EOF):
			return true, err
		}
		switch answer {
		case "y":
			_, err := p.Approve(s.ID)
			return false, err
		case "n":
			_, err := p.Reject(s.ID)
			return false, err
		case "s":
			return false, nil
		case "d":
			fmt.Fprint(e.stdout, printable(s.Diff))
		case "e":
			writeSite(e.stdout, s, dir)
		case "q":
			return true, nil
		default:
			fmt.Fprint(e.stdout, reviewHelp)
		}
	}
}

// standing says where the sites of a plan stand and what comes next.
func standing(p *plans.Plan) string {
	count := map[plans.Status]int{}
	for _, s := range p.Sites {
		count[s.Status]++
	}
	var parts []string
	for _, st := range []plans.Status{plans.Proposed, plans.Approved, plans.Rejected, plans.Refused, plans.Applied} {
		if n := count[st]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, st))
		}
	}
	if len(parts) == 0 {
		return "The plan has no sites."
	}
	next := ""
	switch {
	case count[plans.Approved] > 0:
		next = " Next: mapmigrate apply"
	case count[plans.Proposed] > 0:
		next = " Next: mapmigrate review"
	}
	return strings.Join(parts, ", ") + "." + next
}
