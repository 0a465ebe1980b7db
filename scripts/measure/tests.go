// This file runs the tests of packages on both versions.

package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

var position = regexp.MustCompile(`:\d+(:\d+)?`)

// compareTests runs the tests of the chosen packages before and after, and those that
// differ again.
func (r *run) compareTests(p *plan) error {
	packages := r.tests
	if len(packages) == 1 && packages[0] == "auto" {
		packages = p.busiest(r.most)
	}
	if len(packages) == 0 {
		return nil
	}
	fmt.Printf("| tests of (`go test -short`) | tests | pass before | pass after | differ |\n|---|---|---|---|---|\n")
	for _, pkg := range packages {
		old, now := r.test(r.before, pkg, ""), r.test(r.after, pkg, "")
		var differ, said []string
		alone := 0
		for name := range union(old, now) {
			switch {
			case old[name] == now[name]:
			case (old[name] == "" || now[name] == "") && old[""] == "fail" && now[""] == "fail":
				alone++ // both were cut off, by the time limit: one got further
			default:
				differ = append(differ, name)
			}
		}
		slices.Sort(differ)
		row := fmt.Sprintf("| %s | %d | %d | %d |", pkg, len(union(old, now)), count(old, "pass"), count(now, "pass"))
		if alone > 0 {
			said = append(said, fmt.Sprintf("%d only one side came to, within %s", alone, r.limit))
		}
		if len(differ)+alone == 0 {
			fmt.Println(row + " none |")
			continue
		}
		for _, name := range differ {
			said = append(said, r.rerun(pkg, name, old[name], now[name]))
		}
		fmt.Println(row + " " + strings.Join(said, "<br>") + " |")
	}
	fmt.Println()
	return nil
}

// rerun runs one test several times on both sides: a flaky one fails on the original, or
// passes on the result.
func (r *run) rerun(pkg, name, old, now string) string {
	top, _, _ := strings.Cut(name, "/")
	said := fmt.Sprintf("%s: %s before, %s after", name, cmp.Or(old, "not run"), cmp.Or(now, "not run"))
	if top == "" || r.again == 0 {
		return said
	}
	var was, is int
	for range r.again {
		if r.test(r.before, pkg, top)[top] == "pass" {
			was++
		}
		if r.test(r.after, pkg, top)[top] == "pass" {
			is++
		}
	}
	return fmt.Sprintf("%s; again, alone: %d of %d pass before, %d of %d after", said, was, r.again, is, r.again)
}

// test runs tests and returns the outcome of each; "" stands for the package itself.
func (r *run) test(dir, pkg, name string) map[string]string {
	args := []string{"test", "-short", "-json", "-count=1", "-timeout=" + r.limit.String()}
	if name != "" {
		args = append(args, "-run=^"+regexp.QuoteMeta(name)+"$")
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	outcome := map[string]string{"": "does not start"}
	if err := cmd.Start(); err != nil {
		return outcome
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &e) == nil && slices.Contains([]string{"pass", "fail", "skip"}, e.Action) {
			outcome[e.Test] = e.Action
		}
	}
	_ = cmd.Wait() // that tests failed is in the outcome
	return outcome
}

// busiest returns the packages with tests that hold most migrated sites.
func (p *plan) busiest(most int) []string {
	sites := map[string]int{}
	for _, s := range p.Sites {
		if s.Status != "refused" {
			sites[s.Package]++
		}
	}
	list := slices.SortedFunc(maps.Keys(sites), func(a, b string) int {
		return cmp.Or(cmp.Compare(sites[b], sites[a]), strings.Compare(a, b))
	})
	for i, pkg := range list {
		list[i] = strings.TrimSuffix("./"+strings.TrimPrefix(strings.TrimPrefix(pkg, p.Module), "/"), "/")
	}
	return list[:min(most, len(list))]
}

func union(a, b map[string]string) map[string]bool {
	all := map[string]bool{}
	for _, m := range []map[string]string{a, b} {
		for k := range m {
			all[k] = true
		}
	}
	return all
}

func count(m map[string]string, outcome string) (n int) {
	for _, v := range m {
		if v == outcome {
			n++
		}
	}
	return n
}
