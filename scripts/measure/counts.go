// This file counts what a plan says.

package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A plan is what is counted of mapmigrate's own.
type plan struct {
	Module  string
	Summary struct{ Maps int }
	Sites   []*site
}

type site struct {
	Name, Package, Status string
	Refusals              []struct{ Code, Class string }
	Edits                 []struct{ File string }
}

// plan plans in one of the copies.
func (r *run) plan(dir string) (*plan, time.Duration, error) {
	out := filepath.Join(r.tmp, "plan.json")
	start := time.Now()
	args := append([]string{"plan", "--scope=all", "--strategy=" + r.strategy, "--no-race-tests", "--format=json", "--out=" + out}, r.patterns...)
	if _, err := command(dir, r.tool, args...); err != nil {
		return nil, 0, err
	}
	took := time.Since(start)
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, 0, err
	}
	p := &plan{}
	return p, took, json.Unmarshal(data, p)
}

func (p *plan) written() (n int) {
	for _, s := range p.Sites {
		if s.Status != "refused" {
			n++
		}
	}
	return n
}

// generated reports whether a site is refused because its map lives in generated code.
func (s *site) generated() bool { return s.refusedAs("generated") }

func (s *site) refusedAs(code string) bool {
	return slices.Contains(s.codes(), code)
}

// codes returns the codes of a site's refusals, each once.
func (s *site) codes() (codes []string) {
	for _, r := range s.Refusals {
		codes = append(codes, r.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func (s *site) unsafe() bool {
	return slices.ContainsFunc(s.Refusals, func(r struct{ Code, Class string }) bool { return r.Class == "unsafe" })
}

// exported reports whether the variable has an exported name.
func (s *site) exported() bool { return ast.IsExported(s.Name[strings.LastIndex(s.Name, ".")+1:]) }

// A tally counts the sites of one group.
type tally struct{ sites, written, unsafe int }

func (t *tally) add(s *site) {
	t.sites++
	if s.Status != "refused" {
		t.written++
	}
	if s.unsafe() {
		t.unsafe++
	}
}

func (t *tally) row(name string) {
	of := func(n, all int) string {
		if all == 0 {
			return "0"
		}
		return fmt.Sprintf("%d (%.0f %%)", n, 100*float64(n)/float64(all))
	}
	fmt.Printf("| %s | %d | %s | %s | %s |\n", name, t.sites, of(t.written, t.sites), of(t.unsafe, t.sites), of(t.written, t.sites-t.unsafe))
}

// printCounts prints what became of the sites. A site is an alias class, counted once,
// under the name of its first variable.
func printCounts(p *plan) {
	var all, own, hidden, ownHidden tally
	classOf, alone, with := map[string]string{}, map[string]int{}, map[string]int{}
	for _, s := range p.Sites {
		all.add(s)
		if !s.exported() {
			hidden.add(s)
		}
		if !s.generated() {
			own.add(s)
			if !s.exported() {
				ownHidden.add(s)
			}
		}
		codes := s.codes()
		for _, r := range s.Refusals {
			classOf[r.Code] = r.Class
		}
		for _, c := range codes {
			with[c]++
		}
		if len(codes) == 1 {
			alone[codes[0]]++
		}
	}
	fmt.Printf("%d map variables in %d sites (alias classes).\n\n", p.Summary.Maps, len(p.Sites))
	fmt.Printf("| sites | all | migrate | refused as unsafe | migrate, of those without an unsafe refusal |\n|---|---|---|---|---|\n")
	all.row("every map")
	own.row("not used in generated files")
	hidden.row("unexported name")
	ownHidden.row("unexported name, not used in generated files")
	fmt.Println()
	if len(with) == 0 {
		return
	}
	fmt.Printf("| refusal | class | sites | of these, for nothing else |\n|---|---|---|---|\n")
	codes := slices.SortedFunc(maps.Keys(with), func(a, b string) int {
		if with[a] != with[b] {
			return with[b] - with[a]
		}
		return strings.Compare(a, b)
	})
	for _, c := range codes {
		fmt.Printf("| %s | %s | %d | %d |\n", c, classOf[c], with[c], alone[c])
	}
	fmt.Println()
}
